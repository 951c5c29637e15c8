"""Changes to registered model runs, and requests that are rejected."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox.caller import Caller, record_of, run_of

from prov_facade.sandbox import Sandbox

DATASET, STUDY, PERSON = "10378.1/1955018", "10378.1/1955006", "10378.1/1955003"
NOWHERE = "10378.1/404"
LINK = "/model_run/edit/link_to_study"


@pytest.fixture
def bob(sandbox: Sandbox) -> Caller:
    return Caller(sandbox, "bob")


def test_an_update_by_another_user_keeps_the_owner(sandbox: Sandbox, bob: Caller) -> None:
    old = sandbox.items("MODEL_RUN")[0]
    assert old.owner_username not in ("bob", "ann")
    names = [old.display_name, "First", "Second"]
    for caller, name in ((bob, "First"), (Caller(sandbox, "ann"), "Second")):
        record = record_of(sandbox, display_name=name)
        update = {"model_run_id": old.id, "reason": f"{name} update", "record": record}
        caller.wait_for_job(caller.start_job("/model_run/update", update))
    new = run_of(sandbox, old.id)
    assert new.owner_username == old.owner_username
    assert new.created_timestamp == old.created_timestamp < new.updated_timestamp
    history = list(reversed(new.body["history"]))
    assert [entry["id"] for entry in history] == [0, 1, 2]
    assert [entry["username"] for entry in history] == [old.owner_username, "bob", "ann"]
    assert [entry["reason"] for entry in history][1:] == ["First update", "Second update"]
    assert [entry["item"]["display_name"] for entry in history] == names
    assert history[0]["timestamp"] == old.created_timestamp < history[1]["timestamp"]
    assert new.body["record"] == record_of(sandbox, display_name="Second")
    assert len(sandbox.items("MODEL_RUN")) == 30


@pytest.mark.parametrize("path", ["/model_run/register", "/model_run/register_sync"])
def test_a_run_belongs_to_its_caller(path: str, sandbox: Sandbox, bob: Caller) -> None:
    before = {item.id for item in sandbox.items()}
    response = bob.post(path, record_of(sandbox)).json()
    if "session_id" in response:
        bob.wait_for_job(response["session_id"])
    (new,) = (item for item in sandbox.items() if item.id not in before)
    assert new.owner_username == "bob"
    assert [entry["username"] for entry in new.body["history"]] == ["bob"]


def check_rejected(caller: Caller, path: str, detail: str, body: Any = None, **query: Any) -> None:
    """Check that a request gets a 400, and that nothing changes."""
    before = caller.list_jobs(limit=1000), caller.sandbox.items()
    response = caller.post(path, body, **query)
    assert response.status_code == 400
    assert detail in response.json()["detail"]
    assert (caller.list_jobs(limit=1000), caller.sandbox.items()) == before


@pytest.mark.parametrize("study", [NOWHERE, DATASET, PERSON])
def test_a_run_can_only_be_linked_to_studies(study: str, sandbox: Sandbox, bob: Caller) -> None:
    run = bob.register(record_of(sandbox, study_id=None))
    check_rejected(bob, LINK, study, model_run_id=run, study_id=study)


def test_a_run_can_have_only_one_study(sandbox: Sandbox, bob: Caller) -> None:
    run = bob.register(record_of(sandbox, study_id=STUDY))
    for study in (STUDY, sandbox.items("STUDY")[1].id):
        check_rejected(bob, LINK, run, model_run_id=run, study_id=study)


@pytest.mark.parametrize("run", [NOWHERE, DATASET, STUDY])
def test_only_runs_can_be_linked_updated_or_deleted(
    run: str, sandbox: Sandbox, bob: Caller
) -> None:
    check_rejected(bob, LINK, run, model_run_id=run, study_id=STUDY)
    body = {"model_run_id": run, "reason": "None.", "record": record_of(sandbox)}
    before = sandbox.items()
    job = bob.wait_for_job(bob.start_job("/model_run/update", body))
    assert (job["status"], sandbox.items()) == ("FAILED", before)
    check_rejected(bob, "/model_run/delete", run, {"record_id": run})


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"study_id": PERSON}, "not STUDY"),
        ({"workflow_template_id": STUDY}, "not WORKFLOW_TEMPLATE"),
        ({"associations": {"modeller_id": STUDY}}, "not PERSON"),
        (
            {"associations": {"modeller_id": PERSON, "requesting_organisation_id": PERSON}},
            "not ORGANISATION",
        ),
        (
            {"associations": {"modeller_id": PERSON, "requesting_organisation_id": NOWHERE}},
            NOWHERE,
        ),
        ({"outputs": []}, "needs an output"),
    ],
)
@pytest.mark.parametrize("path", ["/model_run/register", "/model_run/register_sync"])
def test_records_with_wrong_ids_are_rejected(
    path: str, change: dict[str, Any], detail: str, sandbox: Sandbox, bob: Caller
) -> None:
    check_rejected(bob, path, detail, record_of(sandbox, **change))


def altered(record: dict[str, Any], **changes: Any) -> list[Any]:
    """The inputs of a record, with changes to the last one."""
    *others, last = record["inputs"]
    return [*others, {**last, **changes}]


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset_id": NOWHERE},
        {"dataset_id": PERSON},
        {"dataset_template_id": NOWHERE},
        {"resources": {"other": "x.nc"}},
        {"resources": None},
    ],
    ids=str,
)
def test_inputs_that_do_not_match_the_template_are_rejected(
    changes: dict[str, Any], sandbox: Sandbox, bob: Caller
) -> None:
    record = record_of(sandbox)
    assert record["inputs"][-1]["resources"]
    check_rejected(bob, "/model_run/register", "", {**record, "inputs": altered(record, **changes)})
