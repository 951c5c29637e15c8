"""Failures that several callers share, tokens that outlast them, and Ctrl-C."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest
from attrs import evolve
from auth.support import CLIENT, alter, cached_file, client_of, device, request_count
from scripted_server import Server

from prov_facade import CredentialsError, DeviceFlow, DeviceLogin, SyncProvClient
from prov_facade.sandbox import Fault, Sandbox, gateway


def test_a_denial_is_reported_to_every_waiting_thread(sandbox: Sandbox) -> None:
    shown: list[DeviceLogin] = []
    start = threading.Barrier(8)

    def deny(login: DeviceLogin) -> None:
        shown.append(login)
        time.sleep(0.3)  # until the others wait
        sandbox.realm.deny(login.user_code)

    auth = DeviceFlow(sandbox.config, CLIENT, prompt=deny)

    def get() -> str:
        start.wait()
        return auth.get_token()

    with ThreadPoolExecutor(8) as threads:
        errors = [f.exception() for f in [threads.submit(get) for _ in range(8)]]
    assert {str(error) for error in errors} == {str(errors[0])}
    assert all(isinstance(e, CredentialsError) and e.error == "access_denied" for e in errors)
    assert len(set(map(id, errors))) == 8  # each with its own traceback
    assert len(shown) == 1


def test_threads_that_wait_for_a_hanging_realm_share_one_timeout(realm: Server) -> None:
    over = threading.Event()
    realm.response = lambda _: bytes(over.wait(20) and 0)
    auth = client_of(realm, timeout=0.3)
    with ThreadPoolExecutor(8) as threads:
        errors = [f.exception() for f in [threads.submit(auth.get_token) for _ in range(8)]]
    over.set()
    assert all(isinstance(error, CredentialsError) for error in errors)
    assert len(realm.received) == 1


@pytest.mark.parametrize("fault", [gateway(502), Fault(drop=True), Fault(status=500)])
def test_a_valid_token_is_used_while_the_realm_fails(
    fault: Fault, sandbox: Sandbox, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    device(sandbox).get_token()
    path = cached_file(home)
    alter(path, obtained_at=time.time() - 250)  # of 300 s
    auth = DeviceFlow(sandbox.config, CLIENT)
    count = request_count(sandbox)
    sandbox.faults.add("token", *[fault] * 9)
    with (
        caplog.at_level(logging.WARNING, "prov_facade"),
        SyncProvClient(auth, sandbox.config) as client,
    ):
        for _ in range(5):
            client.check_read_access()
    assert "still using a token" in caplog.text
    assert request_count(sandbox) == count + 1  # not with every call
    alter(path, obtained_at=time.time() - 299)
    with pytest.raises(CredentialsError):
        DeviceFlow(sandbox.config, CLIENT).get_token()


def test_a_valid_token_is_used_by_threads_that_wait_for_a_failing_refresh(
    sandbox: Sandbox, home: Path
) -> None:
    device(sandbox).get_token()
    path = cached_file(home)
    token = json.loads(path.read_text())["access_token"]
    alter(path, obtained_at=time.time() - 250)
    auth = DeviceFlow(sandbox.config, CLIENT)
    count = request_count(sandbox)
    sandbox.faults.add("token", evolve(gateway(502), delay=0.5))
    with ThreadPoolExecutor(6) as threads:
        forced = threads.submit(auth.force_refresh)
        while request_count(sandbox) == count:
            time.sleep(0.01)
        waiting = [threads.submit(auth.get_token) for _ in range(4)]
        again = threads.submit(auth.force_refresh)
    assert {each.result() for each in waiting} == {token}
    assert isinstance(forced.exception(), CredentialsError)
    assert isinstance(again.exception(), CredentialsError)
    assert request_count(sandbox) == count + 1


def test_logout_removes_a_file_that_cannot_be_trusted(sandbox: Sandbox, home: Path) -> None:
    auth = device(sandbox)
    auth.get_token()
    path = cached_file(home)
    path.chmod(0o644)
    path.with_suffix(".damaged").write_text("tokens")
    with pytest.raises(CredentialsError, match="can be read by other users"):
        auth.logout()
    assert [p.suffix for p in path.parent.iterdir()] == [".lock"]
    assert request_count(sandbox, "revocation") == 1


# Ctrl-C

SCRIPT = """
import asyncio, signal, sys
# Processes in the background of a shell ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
from prov_facade import *
config = Config("p", "r", APIOverrides(keycloak_endpoint_override=sys.argv[1]))
auth = DeviceFlow(config, "c", prompt=lambda login: print("shown", flush=True), timeout=30)
client = ProvClient(auth, config)
async def main():
    print("started", flush=True)
    await client.check_read_access()
"""
CALLS = {
    "asyncio.run": "asyncio.run(main())",
    "run_until_complete": "asyncio.new_event_loop().run_until_complete(main())",
    "sync": "print('started', flush=True); SyncProvClient(auth, config).check_read_access()",
}
DEFAULT = [("asyncio.run", "user"), ("sync", "realm")]


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent")
@pytest.mark.parametrize(
    ("call", "waits_for"),
    [
        pytest.param(*case, marks=[] if case in DEFAULT else pytest.mark.stress)
        for case in product(CALLS, ("user", "realm"))
    ],
)
def test_ctrl_c_ends_a_process_that_waits_for_the_user_or_the_realm(
    call: str, waits_for: str, sandbox: Sandbox
) -> None:
    sandbox.realm.interval = 5
    if waits_for == "realm":
        sandbox.faults.add("device_authorization", Fault(delay=3))
    with subprocess.Popen(
        [sys.executable, "-Wignore", "-c", SCRIPT + CALLS[call], sandbox.config.keycloak_endpoint],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "started\n"
            if waits_for == "user":
                assert process.stdout.readline() == "shown\n"
            else:
                while not request_count(sandbox, "device_authorization"):
                    time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=10)
        finally:
            process.kill()
    assert "KeyboardInterrupt" in errors
    assert process.returncode != 0
