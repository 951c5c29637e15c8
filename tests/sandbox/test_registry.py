"""Registering, storing and linking model runs does not affect other items."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sandbox import http
from sandbox.caller import registry_item
from sandbox.conftest import Session

from prov_facade import BadRequestError
from prov_facade.sandbox import Sandbox


def post(sandbox: Sandbox, path: str, body: Any, **query: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {sandbox.token('read', 'write', 'admin')}"}
    return http.post(sandbox.url + path, json=body, params=query, headers=headers)


def test_a_new_run_gets_an_unused_handle(sandbox: Sandbox, session: Session) -> None:
    run = sandbox.items("MODEL_RUN")[0]
    taken = registry_item(run, id="10378.1/2000001", display_name="Stored")
    assert post(sandbox, "/admin/store_record", taken).status_code == 200
    record = run.body["record"]
    made = session.run(lambda c: c.admin.register_model_run_sync(record))
    assert made.record_info is not None
    assert made.record_info.id != "10378.1/2000001"
    names = {item.id: item.display_name for item in sandbox.items("MODEL_RUN")}
    assert names["10378.1/2000001"] == "Stored"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "10378.1/1955003"}, "is already the id of an item of subtype PERSON"),
        ({"id": ""}, "not a model run"),
        ({"item_subtype": "DATASET"}, "not a model run"),
    ],
)
def test_only_model_runs_can_be_stored(
    changes: dict[str, Any], words: str, sandbox: Sandbox
) -> None:
    before = sandbox.items()
    run = sandbox.items("MODEL_RUN")[0]
    bodies = [registry_item(run, id="10378.1/9"), registry_item(run, **changes)]
    response = post(sandbox, "/admin/store_records", bodies)
    assert response.status_code == 400
    assert words in response.json()["detail"]
    assert sandbox.items() == before


def test_a_run_is_stored_unchanged(sandbox: Sandbox) -> None:
    run = sandbox.items("MODEL_RUN")[0]
    stored = registry_item(
        run,
        id="10378.1/9",
        record_status="INCOMPLETE",
        user_metadata={"a": "b"},
        created_timestamp=7,
    )
    assert post(sandbox, "/admin/store_record", stored).status_code == 200
    (found,) = (item for item in sandbox.items("MODEL_RUN") if item.id == "10378.1/9")
    assert found.created_timestamp == 7
    assert {**stored, **registry_item(found)} == registry_item(found)
    assert found.body["history"] == run.body["history"]


def test_records_are_validated_on_request(sandbox: Sandbox, session: Session) -> None:
    run = sandbox.items("MODEL_RUN")[0]
    record = {**run.body["record"], "study_id": "10378.1/404"}
    body = registry_item(run, record=record)
    assert post(sandbox, "/admin/store_record", body).status_code == 400
    response = post(sandbox, "/admin/store_record", body, validate_record=False)
    assert response.status_code == 200
    assert "without validation" in response.json()["status"]["details"]
    lineage = session.run(lambda c: c.explore_upstream(run.id, depth=1))
    study = {"id": "10378.1/404", "item_category": "ACTIVITY", "item_subtype": "STUDY"}
    assert study in (lineage.graph or {})["nodes"]


def test_a_study_link_is_registered_immediately_and_lodged_in_a_job(
    sandbox: Sandbox, session: Session
) -> None:
    record = {**sandbox.items("MODEL_RUN")[0].body["record"], "study_id": None}
    made = session.run(lambda c: c.admin.register_model_run_sync(record))
    assert made.record_info is not None
    run_id, study_id = made.record_info.id, sandbox.items("STUDY")[0].id
    sandbox.faults.fail_jobs("MODEL_RUN_LODGE_ONLY", "The graph is unreachable.")
    linked = session.run(lambda c: c.link_model_run_to_study(run_id, study_id))

    def studies() -> set[str]:
        lineage = session.run(lambda c: c.explore_upstream(run_id, depth=1))
        nodes = (lineage.graph or {})["nodes"]
        return {node["id"] for node in nodes if node["item_subtype"] == "STUDY"}

    job = session.wait_for_job(linked.session_id)
    assert (job["job_sub_type"], job["status"]) == ("MODEL_RUN_LODGE_ONLY", "FAILED")
    assert job["info"] == "The graph is unreachable."
    (run,) = (item for item in sandbox.items("MODEL_RUN") if item.id == run_id)
    assert run.body["record"]["study_id"] == study_id
    assert studies() == set()
    with pytest.raises(BadRequestError, match="already"):
        session.run(lambda c: c.link_model_run_to_study(run_id, study_id))
    session.run(lambda c: c.admin.store_all_registry_records())
    assert studies() == {study_id}
