"""The sandbox as seen by a client. Every exchange is checked against the OpenAPI documents."""

from __future__ import annotations

import io
import time
from typing import Any

import docx
import httpx
import pytest
from prov.model import ProvDocument
from sandbox import http
from sandbox.caller import COMPLETE_RUN, registry_item, run_of
from sandbox.conftest import Session

from prov_facade import (
    BadRequestError,
    PermissionDeniedError,
    ProvClient,
    SyncProvClient,
    models,
)
from prov_facade.sandbox import Sandbox


def record_of(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    """The record of a model run of the seed, with changes."""
    body: dict[str, Any] = sandbox.items("MODEL_RUN")[-1].body["record"]
    return {**body, **changes}


def test_the_default_seed_is_a_small_study(sandbox: Sandbox) -> None:
    count = {
        subtype: len(sandbox.items(item_subtype=subtype))
        for subtype in ("WORKFLOW_TEMPLATE", "DATASET", "PERSON", "ORGANISATION", "MODEL_RUN")
    }
    assert count["WORKFLOW_TEMPLATE"] == 2
    assert count["DATASET"] >= 12
    assert (count["PERSON"], count["ORGANISATION"], count["MODEL_RUN"]) == (3, 2, 30)
    assert all(item.display_name for item in sandbox.items())


def test_roles_decide_access(sandbox: Sandbox) -> None:
    user = Session(sandbox, "read").run(lambda c: c.check_read_access())
    assert user.roles == ["entity-registry-read"]
    with pytest.raises(PermissionDeniedError):
        Session(sandbox, "read").run(lambda c: c.check_write_access())
    with pytest.raises(PermissionDeniedError):
        Session(sandbox, "read", "write").run(lambda c: c.admin.generate_config_file())
    with pytest.raises(PermissionDeniedError):
        Session(sandbox, "write").run(lambda c: c.check_write_access())  # also requires read
    assert Session(sandbox).run(lambda c: c.check_admin_access()).username == "sandbox"


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, "Not authenticated"),
        ("Basic dXNlcjpwYXNz", "Not authenticated"),
        ("Bearer nonsense", "Could not validate credentials"),
        ("expired", "Could not validate credentials"),
    ],
)
def test_an_invalid_token_is_a_401_with_a_challenge(
    header: str | None, detail: str, sandbox: Sandbox
) -> None:
    if header == "expired":
        header = f"Bearer {sandbox.token('read', expires_in=-1)}"
    headers = {} if header is None else {"Authorization": header}
    response = http.get(f"{sandbox.url}/check-access/check-general-access", headers=headers)
    assert response.status_code == 401
    assert response.json() == {"detail": detail}
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_unknown_paths_and_methods_are_a_404_and_a_405(sandbox: Sandbox) -> None:
    missing = http.get(f"{sandbox.url}/nowhere")
    assert (missing.status_code, missing.json()) == (404, {"detail": "Not Found"})
    wrong = httpx.put(f"{sandbox.url}/explore/upstream")
    assert (wrong.status_code, wrong.json()) == (405, {"detail": "Method Not Allowed"})


def test_a_registered_model_run_appears_in_the_lineage(sandbox: Sandbox, session: Session) -> None:
    record = record_of(sandbox)
    response = session.run(lambda c: c.register_model_run(record))
    job = session.wait_for_job(response.session_id)
    assert job["status"] == "SUCCEEDED"
    info = models.ProvenanceRecordInfo.from_dict(job["result"]["record"])
    assert info.record == models.ModelRunRecord.from_dict(record)
    ProvDocument.deserialize(content=info.prov_json, format="json")

    up = session.run(lambda c: c.explore_upstream(info.id, depth=1))
    assert up.graph is not None
    links = {(link["type"], link["target"]) for link in up.graph["links"]}
    assert {("used", data["dataset_id"]) for data in record["inputs"]} <= links
    assert ("used", record["workflow_template_id"]) in links
    assert ("wasAssociatedWith", record["associations"]["modeller_id"]) in links
    assert up.record_count == len(up.graph["nodes"])
    item = next(item for item in sandbox.items("MODEL_RUN") if item.id == info.id)
    assert item.owner_username == "sandbox"


def test_a_batch_becomes_a_job_for_each_record(sandbox: Sandbox, session: Session) -> None:
    complete = run_of(sandbox, COMPLETE_RUN).body["record"]
    records = [{**complete, "display_name": f"Run {number}"} for number in range(5)]
    response = session.run(lambda c: c.register_batch_model_runs({"records": records}))
    batch_id = session.wait_for_job(response.session_id)["result"]["batch_id"]
    headers = {"Authorization": f"Bearer {sandbox.token('read')}"}
    url = f"{sandbox.config.job_api_endpoint}/jobs/user/list_batch"
    listed: list[Any] = []
    key = None
    while len(listed) < 5:
        body = {"batch_id": batch_id, "limit": 2, "pagination_key": key}
        page = http.post(url, headers=headers, json=body).json()
        listed += page["jobs"]
        key = page["pagination_key"]
        assert (key is None) == (len(listed) == 5) or not listed
    jobs = [session.wait_for_job(job["session_id"]) for job in listed]
    assert {job["batch_id"] for job in jobs} == {batch_id}
    names = sorted(job["result"]["record"]["record"]["display_name"] for job in jobs)
    assert names == [f"Run {number}" for number in range(5)]

    text = session.run(lambda c: c.regenerate_csv_from_model_run_batch(batch_id))
    again = session.run(lambda c: c.convert_model_runs_to_csv(text))
    assert sorted(again.existing_records or []) == sorted(job["session_id"] for job in jobs)
    assert not again.new_records


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"study_id": "10378.1/404"}, "10378.1/404"),
        ({"workflow_template_id": "10378.1/404"}, "10378.1/404"),
        ({"inputs": []}, "needs an input"),
        ({"annotations": {}}, "annotation"),
        ({"associations": {"modeller_id": "10378.1/404"}}, "10378.1/404"),
    ],
)
def test_an_invalid_record_is_a_400(
    change: dict[str, Any], words: str, sandbox: Sandbox, session: Session
) -> None:
    with pytest.raises(BadRequestError, match=words):
        session.run(lambda c: c.register_model_run(record_of(sandbox, **change)))


def test_an_update_replaces_the_record_and_keeps_the_old_one(
    sandbox: Sandbox, session: Session
) -> None:
    old = sandbox.items("MODEL_RUN")[0]
    record = {**old.body["record"], "display_name": "Another name"}
    response = session.run(lambda c: c.post_update_model_run(old.id, "a typo", record))
    assert session.wait_for_job(response.session_id)["result"]["record"]["id"] == old.id
    (new,) = (item for item in sandbox.items("MODEL_RUN") if item.id == old.id)
    assert new.display_name == "Another name"
    newest, first = new.body["history"]
    assert (newest["reason"], newest["id"], first["id"]) == ("a typo", 1, 0)
    assert first["item"]["display_name"] == old.display_name


def test_a_trial_deletion_deletes_nothing(sandbox: Sandbox, session: Session) -> None:
    run = sandbox.items("MODEL_RUN")[-1]
    before = session.run(lambda c: c.explore_upstream(run.id))
    trial = session.run(lambda c: c.admin.delete_model_run_provenance(run.id, trial_mode=True))
    assert session.run(lambda c: c.explore_upstream(run.id)) == before
    real = session.run(lambda c: c.admin.delete_model_run_provenance(run.id))
    assert real == trial
    assert {"action_type": "REMOVE_NODE", "node_id": run.id} in real.diff
    assert session.run(lambda c: c.explore_upstream(run.id)).record_count == 0
    restored = session.run(lambda c: c.admin.store_all_registry_records())
    assert restored.status.success
    assert session.run(lambda c: c.explore_upstream(run.id)) == before


def test_the_graph_can_be_cleared_and_restored(sandbox: Sandbox, session: Session) -> None:
    run = sandbox.items("MODEL_RUN")[-1]

    async def item(client: ProvClient) -> models.ItemModelRun:
        sync = await client.admin.register_model_run_sync(run.body["record"])
        (found,) = (i for i in sandbox.items("MODEL_RUN") if i.id == sync.record_info.id)
        return models.ItemModelRun.from_dict(registry_item(found))

    complete = session.run(item)
    before = session.run(lambda c: c.explore_upstream(complete.id, depth=1))
    session.run(lambda c: c.admin.clear_graph(confirm=True))
    assert session.run(lambda c: c.explore_upstream(complete.id, depth=1)).record_count == 0
    session.run(lambda c: c.admin.store_multiple_records([complete]))
    assert session.run(lambda c: c.explore_upstream(complete.id, depth=1)) == before


async def jobs_of(client: ProvClient) -> list[models.JobStatusTable]:
    return [job async for job in client.jobs.list()]


def test_reports_are_created_in_jobs_or_returned_by_older_servers(sandbox: Sandbox) -> None:
    run = sandbox.items("MODEL_RUN")[-1]
    request = models.GenerateReportRequest(
        id=run.id, item_subtype=models.ItemSubType.MODEL_RUN, depth=2
    )
    session = Session(sandbox, "read")
    made = session.run(lambda c: c.generate_report(request))
    assert docx.Document(io.BytesIO(made)).paragraphs
    (job,) = session.run(jobs_of)
    url = (job.result or {})["report_url"]
    assert docx.Document(io.BytesIO(http.get(url).content)).paragraphs
    headers = {"Authorization": f"Bearer {sandbox.token('read')}"}
    assert http.get(url, headers=headers).status_code == 400
    assert http.get(f"{url}0").status_code == 403

    with Sandbox(report_style="document") as other:
        older = Session(other, "read")
        content = older.run(lambda c: c.generate_report(request))
        assert older.run(jobs_of) == []
    assert run.display_name in "".join(
        p.text for p in docx.Document(io.BytesIO(content)).paragraphs
    )


def test_a_depth_above_the_maximum_is_a_400(sandbox: Sandbox, session: Session) -> None:
    start = sandbox.items("MODEL_RUN")[0].id
    assert session.run(lambda c: c.explore_upstream(start, depth=10)).status.success
    with pytest.raises(BadRequestError) as caught:
        session.run(lambda c: c.explore_upstream(start, depth=11))
    assert caught.value.detail == "Depth provided is in excess of depth maximum: 10."


def test_the_maximum_depth_is_a_setting_of_the_deployment() -> None:
    with Sandbox(max_depth=100) as other:
        start = other.items("MODEL_RUN")[0].id
        with SyncProvClient(other.auth("read", "write", "admin"), other.config) as client:
            assert "depth_upper_limit=100" in client.admin.generate_config_file(False).lower()
            assert client.explore_upstream(start, depth=50).status.success
            with pytest.raises(BadRequestError, match="depth maximum: 100"):
                client.explore_upstream(start, depth=101)


def test_sandboxes_run_side_by_side(sandbox: Sandbox) -> None:
    with Sandbox() as one, Sandbox() as other:
        assert len({sandbox.url, one.url, other.url}) == 3
        Session(one).run(lambda c: c.admin.clear_graph(confirm=True))
        start = other.items("MODEL_RUN")[-1].id
        assert Session(one).run(lambda c: c.explore_upstream(start)).record_count == 0
        assert Session(other).run(lambda c: c.explore_upstream(start)).record_count
        url = one.url
    with pytest.raises(httpx.ConnectError):
        http.get(url)


def test_responses_do_not_wait_for_acknowledgements(sandbox: Sandbox) -> None:
    durations = []
    with httpx.Client(base_url=sandbox.url) as client:
        for _ in range(20):
            start = time.perf_counter()
            client.get("/").raise_for_status()
            durations.append(time.perf_counter() - start)
    assert min(durations[5:]) < 0.03  # the wait would be 40 ms
