"""The jobs of the sandbox in the job-api."""

from __future__ import annotations

import csv
import io
import socket
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from sandbox import http
from sandbox.caller import COMPLETE_RUN, Caller, run_of
from sandbox.conftest import Session

from prov_facade.sandbox import Sandbox
from prov_facade.sandbox._state.registry import Registry


def record_of(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = run_of(sandbox, COMPLETE_RUN).body["record"]
    return {**body, **changes}


def without_nulls(value: Any) -> Any:
    """Leave out unset fields."""
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def fetch_job(sandbox: Sandbox, session_id: str) -> dict[str, Any]:
    response = http.get(
        f"{sandbox.config.job_api_endpoint}/jobs/user/fetch",
        params={"session_id": session_id},
        headers={"Authorization": f"Bearer {sandbox.token('read')}"},
    )
    job: dict[str, Any] = response.raise_for_status().json()["job"]
    return job


def register_batch(sandbox: Sandbox, session: Session, records: list[Any]) -> tuple[str, list[Any]]:
    """Submit a batch, wait until its jobs have ended, and return its id and the jobs."""
    response = session.run(lambda c: c.register_batch_model_runs({"records": records}))
    batch_id = session.wait_for_job(response.session_id)["result"]["batch_id"]
    for _ in range(100):
        listed = http.post(
            f"{sandbox.config.job_api_endpoint}/jobs/user/list_batch",
            json={"batch_id": batch_id, "limit": 100},
            headers={"Authorization": f"Bearer {sandbox.token('read')}"},
        ).json()["jobs"]
        if len(listed) == len(records):
            return batch_id, [session.wait_for_job(job["session_id"]) for job in listed]
    raise AssertionError("the jobs of the batch did not appear")


def test_an_invalid_record_fails_only_its_own_job(sandbox: Sandbox, session: Session) -> None:
    """The server checks the records of a batch only when it processes their jobs."""
    good = record_of(sandbox, display_name="Good")
    bad = record_of(sandbox, display_name="Bad", study_id="10378.1/404")
    batch_id, jobs = register_batch(sandbox, session, [good, bad])
    ended = {job["payload"]["record"]["display_name"]: job for job in jobs}
    assert (ended["Good"]["status"], ended["Good"]["info"]) == ("SUCCEEDED", None)
    assert (ended["Bad"]["status"], ended["Bad"]["result"]) == ("FAILED", None)
    assert "10378.1/404" in ended["Bad"]["info"]
    text = session.run(lambda c: c.regenerate_csv_from_model_run_batch(batch_id))
    rows = {row["display name"]: row for row in csv.DictReader(io.StringIO(text))}
    assert rows["Bad"]["_error_info"] == ended["Bad"]["info"]
    assert rows["Good"]["_error_info"] == ""


def test_payloads_have_provenas_format(sandbox: Sandbox, session: Session) -> None:
    run, sent = sandbox.items("MODEL_RUN")[0], record_of(sandbox, display_name="Changed")
    sent |= {"model_version": None, "ignored": 1}
    record = without_nulls({name: value for name, value in sent.items() if name != "ignored"})
    assert record != sent

    def payload(session_id: str | None) -> Any:
        job = session.wait_for_job(session_id)
        # Encrypted on the server; a placeholder in the sandbox.
        assert job["payload"].pop("user_info") == "sealed"
        assert without_nulls(job["result"]) == job["result"]
        return job["payload"]

    def started(path: str, body: Any) -> Any:
        # Without the client, which sends neither nulls nor unknown fields.
        return payload(Caller(sandbox).start_job(path, body))

    assert started("/model_run/register", sent) == {"record": record, "revalidate": False}
    assert started("/model_run/register_batch", {"records": [sent]}) == {"records": [record]}
    report = {"id": run.id, "item_subtype": "MODEL_RUN", "depth": 1}
    assert started("/explore/generate/report", {**report, "ignored": 1}) == report

    registered = session.run(lambda c: c.register_model_run(record))
    assert payload(registered.session_id) == {"record": record, "revalidate": False}
    updated = session.run(lambda c: c.post_update_model_run(run.id, "a typo", record))
    assert payload(updated.session_id) == {
        "model_run_record_id": run.id,
        "updated_record": record,
        "reason": "a typo",
        "revalidate": True,
    }
    batch = session.run(lambda c: c.register_batch_model_runs({"records": [record]}))
    assert payload(batch.session_id) == {"records": [record]}
    _, (job,) = register_batch(sandbox, session, [record])
    assert payload(job["session_id"]) == {"record": record, "revalidate": True}


def test_a_report_in_progress_is_finished_before_stopping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, closed = Event(), Event()

    def slowly(*_: Any) -> bytes:
        started.set()
        assert closed.wait(10)
        return b"a report"

    monkeypatch.setattr(Registry, "report", slowly)
    state = tmp_path / "state"
    sandbox = Sandbox(report_style="job", state=state).start()
    try:
        run = sandbox.items("MODEL_RUN")[0]
        session_id = http.post(
            f"{sandbox.url}/explore/generate/report",
            json={"id": run.id, "item_subtype": "MODEL_RUN", "depth": 1},
            headers={"Authorization": f"Bearer {sandbox.token('read')}"},
        ).json()["session_id"]
        assert started.wait(10)
    finally:
        address = urlsplit(sandbox.url)
        stopping = Thread(target=sandbox.stop)
        stopping.start()
        with suppress(ConnectionRefusedError):
            while True:
                socket.create_connection((address.hostname, address.port or 0)).close()
        closed.set()
        stopping.join()
    with Sandbox(state=state) as again:
        job = fetch_job(again, session_id)
        assert (job["status"], list(job["result"])) == ("SUCCEEDED", ["report_url"])


def test_an_unexpected_error_fails_only_its_job(
    sandbox: Sandbox, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    """Later jobs are still processed."""
    run = sandbox.items("MODEL_RUN")[0]
    with sandbox._started.store.transaction() as connection:
        connection.execute("UPDATE item SET body = '{}' WHERE id = ?", (run.id,))
    headers = {"Authorization": f"Bearer {sandbox.token('read', 'write')}"}
    record = sandbox.items("MODEL_RUN")[1].body["record"]
    broken = {"model_run_id": run.id, "reason": "none", "record": record}
    statuses = []
    for path, body in (("/model_run/update", broken), ("/model_run/register", record)):
        response = http.post(sandbox.url + path, json=body, headers=headers).raise_for_status()
        statuses.append(session.wait_for_job(response.json()["session_id"])["status"])
    assert statuses == ["FAILED", "SUCCEEDED"]
    assert "internal error in the sandbox" in caplog.text
