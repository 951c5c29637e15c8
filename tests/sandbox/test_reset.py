"""`Sandbox.reset` returns a running sandbox to its initial state."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import httpx
import pytest
from sandbox import http
from sandbox.caller import JOBS, Caller, record_of

from prov_facade.sandbox import (
    Client,
    Fault,
    JobDelays,
    Sandbox,
    SeedError,
    StateError,
)
from prov_facade.sandbox._state.registry import Registry
from prov_facade.sandbox._state.store import Store

NO_DELAYS = JobDelays(0, 0, 0, 0)


@contextmanager
def in_thread(work: Callable[[], Any]) -> Iterator[Future[Any]]:
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(work)


class Blocked:
    """Replaces a method with one that waits until it is released."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        self.entered, self.released = threading.Event(), threading.Event()
        original = getattr(owner, name)

        def wait(*args: Any, **kwargs: Any) -> Any:
            self.entered.set()
            assert self.released.wait(30)
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, wait)


def graph_of(sandbox: Sandbox) -> Any:
    study = sandbox.items("STUDY")[0].id
    return Caller(sandbox).get("/explore/downstream", starting_id=study, depth=5).json()


def test_data_are_restored_from_the_seed(sandbox: Sandbox) -> None:
    items, graph = sandbox.items(), graph_of(sandbox)
    ann = Caller(sandbox, "ann")
    handle = ann.register(record_of(sandbox))
    changed, deleted = sandbox.items("MODEL_RUN")[:2]
    update = {"model_run_id": changed.id, "reason": "A test.", "record": record_of(sandbox)}
    session_id = ann.start_job("/model_run/update", update)
    ann.wait_for_job(session_id)
    ann.post("/model_run/delete", {"record_id": deleted.id}).raise_for_status()
    assert sandbox.items() != items
    assert graph_of(sandbox) != graph

    sandbox.reset()
    assert sandbox.items() == items
    assert graph_of(sandbox) == graph
    assert ann.fetch_job(session_id).json() == {"detail": "Item was not found."}
    assert ann.list_jobs() == ([], None)
    assert ann.register(record_of(sandbox)) == handle


def test_reports_are_deleted() -> None:
    with Sandbox(report_style="job", delays=NO_DELAYS) as sandbox:
        ann = Caller(sandbox, "ann")
        body = {"id": sandbox.items("STUDY")[0].id, "item_subtype": "STUDY", "depth": 1}
        job = ann.wait_for_job(ann.start_job("/explore/generate/report", body))
        url = job["result"]["report_url"]
        assert http.get(url).content.startswith(b"PK")
        sandbox.reset()
        assert http.get(url).status_code == 404


def test_faults_requests_delays_and_settings_of_the_realm_are_reset(sandbox: Sandbox) -> None:
    def settings() -> tuple[object, ...]:
        return sandbox.delays, sandbox.realm.interval, sandbox.realm.single_use

    initial = settings()
    sandbox.faults.add("get_health_check", Fault(status=500))
    sandbox.faults.fail_jobs("MODEL_RUN_PROV_LODGE", "Injected fault.")
    sandbox.delays = NO_DELAYS
    sandbox.realm.interval, sandbox.realm.single_use = 0, True
    http.get(sandbox.url + "/nowhere")

    sandbox.reset()
    assert sandbox.requests == []
    assert settings() == initial
    assert http.get(sandbox.url).status_code == 200
    Caller(sandbox).register(record_of(sandbox))


def test_access_tokens_stay_valid_and_sessions_end(sandbox: Sandbox) -> None:
    realm = f"{sandbox.config.keycloak_endpoint}/protocol/openid-connect"
    url, caller = sandbox.url, Caller(sandbox)
    public = {"client_id": "notebooks"}

    def log_in() -> Any:
        form = {**public, "scope": "offline_access"}
        return http.post(f"{realm}/auth/device", data=form).json()

    def tokens(**form: str) -> httpx.Response:
        return http.post(f"{realm}/token", data={**public, **form})

    device = "urn:ietf:params:oauth:grant-type:device_code"
    login, pending = log_in(), log_in()
    sandbox.realm.approve(login["user_code"])
    signed_in = tokens(grant_type=device, device_code=login["device_code"]).json()
    refresh = {"grant_type": "refresh_token", "refresh_token": signed_in["refresh_token"]}
    assert tokens(**refresh).status_code == 200

    sandbox.reset()
    assert sandbox.url == url
    assert caller.get("/check-access/check-general-access").status_code == 200
    assert tokens(**refresh).json()["error"] == "invalid_grant"
    refused = tokens(grant_type=device, device_code=pending["device_code"])
    assert refused.json()["error"] == "invalid_grant"
    with pytest.raises(LookupError):
        sandbox.realm.approve(pending["user_code"])


def test_clients_with_a_secret_are_kept() -> None:
    with Sandbox(clients={"pipeline": Client("hush", ("read",))}) as sandbox:
        sandbox.reset()
        form = {"grant_type": "client_credentials", "client_id": "pipeline"}
        url = f"{sandbox.config.keycloak_endpoint}/protocol/openid-connect/token"
        assert http.post(url, data={**form, "client_secret": "hush"}).status_code == 200
        assert http.post(url, data={**form, "client_secret": "no"}).status_code == 401


# In progress


def test_waiting_jobs_are_discarded(sandbox: Sandbox) -> None:
    seeded = len(sandbox.items())
    sandbox.delays = JobDelays(hidden=0, pending=0.05, dequeued=0, in_progress=0)
    Caller(sandbox).start_job("/model_run/register", record_of(sandbox))
    sandbox.reset()
    # This job is due later: when it finishes, the other one would have finished.
    Caller(sandbox).register(record_of(sandbox))
    assert len(sandbox.items()) == seeded + 1


def test_a_job_being_processed_is_finished_first(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = sandbox.items()
    blocked = Blocked(monkeypatch, Registry, "lodge")
    Caller(sandbox).start_job("/model_run/register", record_of(sandbox))
    assert blocked.entered.wait(30)
    with in_thread(sandbox.reset) as reset:
        time.sleep(0.05)
        assert not reset.done()
        blocked.released.set()
        reset.result()
    assert sandbox.items() == items


def test_a_request_being_handled_is_finished_first(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    items, caller, record = sandbox.items(), Caller(sandbox), record_of(sandbox)
    blocked = Blocked(monkeypatch, Registry, "lodge")
    with in_thread(lambda: caller.post("/model_run/register_sync", record)) as response:
        assert blocked.entered.wait(30)
        with in_thread(sandbox.reset) as reset:
            time.sleep(0.05)
            assert not reset.done()
            blocked.released.set()
            reset.result()
        assert response.result().status_code == 200
    assert sandbox.items() == items


def test_a_request_delayed_by_a_fault_is_dropped(sandbox: Sandbox) -> None:
    items, caller, record = sandbox.items(), Caller(sandbox), record_of(sandbox)
    sandbox.faults.add("register_model_run_sync", Fault(delay=60))
    with in_thread(lambda: caller.post("/model_run/register_sync", record)) as response:
        while sandbox.faults.left("register_model_run_sync"):
            time.sleep(0.001)
        sandbox.reset()
        with pytest.raises(httpx.RemoteProtocolError):
            response.result()
    assert sandbox.items() == items
    assert sandbox.requests == []


def test_a_request_being_received_is_dropped(sandbox: Sandbox) -> None:
    with connected(sandbox) as client:
        client.sendall(b"POST /model_run/register HTTP/1.1\r\nHost: x\r\n")
        client.sendall(b"Content-Length: 9\r\n\r\n{")
        sandbox.reset()
        assert received(client) == b""
    assert sandbox.requests == []


def test_requests_sent_before_a_reset_are_not_recorded(sandbox: Sandbox) -> None:
    for _ in range(20):
        with connected(sandbox) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            sandbox.reset()
            assert sandbox.requests == []


def test_requests_during_a_reset_wait_for_its_end(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = Blocked(monkeypatch, Store, "insert_rows")
    with in_thread(sandbox.reset) as reset:
        assert blocked.entered.wait(30)
        with in_thread(lambda: http.get(sandbox.url, timeout=30)) as response:
            time.sleep(0.05)
            assert not response.done()
            blocked.released.set()
            reset.result()
            assert response.result().status_code == 200
    assert [request.operation_id for request in sandbox.requests] == ["get_health_check"]


def test_resets_during_concurrent_requests_and_jobs(sandbox: Sandbox) -> None:
    sandbox.delays = NO_DELAYS
    items, done = sandbox.items(), threading.Event()
    caller, record = Caller(sandbox), record_of(sandbox)

    def register() -> None:
        while not done.is_set():
            # A request that is still being received when a reset begins loses its connection.
            with suppress(httpx.TransportError):
                assert caller.post("/model_run/register", record).status_code == 200

    with ThreadPoolExecutor(3) as pool:
        registering = [pool.submit(register) for _ in range(3)]
        for _ in range(30):
            sandbox.reset()
        done.set()
        for future in registering:
            future.result()
    sandbox.reset()
    assert sandbox.items() == items


@contextmanager
def connected(sandbox: Sandbox) -> Iterator[socket.socket]:
    url = urlsplit(sandbox.url)
    with socket.create_connection((url.hostname, url.port), timeout=30) as client:
        yield client


def received(client: socket.socket) -> bytes:
    try:
        return client.recv(1)
    except ConnectionResetError:
        return b""


# Files


def test_a_state_file_is_reset_as_well(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with Sandbox(state=state) as sandbox:
        items = sandbox.items()
        Caller(sandbox).register(record_of(sandbox))
        token = sandbox.token("read")
        sandbox.reset()
    with Sandbox(state=state) as sandbox:
        assert sandbox.items() == items
        headers = {"Authorization": f"Bearer {token}"}
        page = http.post(f"{sandbox.url}{JOBS}/list", headers=headers, json={})
        assert page.json()["jobs"] == []


def test_a_state_file_that_cannot_be_written_is_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(state=tmp_path / "state.db") as sandbox:
        caller = Caller(sandbox)
        caller.register(record_of(sandbox))
        items = sandbox.items()

        def fail(*_: object) -> NoReturn:
            raise sqlite3.OperationalError("database or disk is full")

        with monkeypatch.context() as patched:
            patched.setattr(Store, "insert_rows", fail)
            with pytest.raises(StateError, match="disk is full"):
                sandbox.reset()
        assert sandbox.items() == items
        caller.register(record_of(sandbox))


def test_the_seed_file_is_read_again(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    study = "items: [{{id: s, item_subtype: STUDY, display_name: {}, description: d}}]"
    seed.write_text(study.format("One"))
    with Sandbox(seed=seed) as sandbox:
        seed.write_text(study.format("Two"))
        sandbox.reset()
        assert [item.display_name for item in sandbox.items()] == ["Two"]
        seed.unlink()
        with pytest.raises(SeedError):
            sandbox.reset()
        assert [item.display_name for item in sandbox.items()] == ["Two"]
        assert http.get(sandbox.url).status_code == 200
