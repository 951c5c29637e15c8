"""The jobs of the sandbox in the job-api."""

from __future__ import annotations

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
    caller = Caller(sandbox)
    (job,) = caller.wait_for_jobs(1, caller.register_batch([record]))
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
        job = Caller(again).fetch_job(session_id).raise_for_status().json()["job"]
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
