"""Many processes share cached tokens."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from auth.support import CLIENT, alter, cached_file, device, pickled, request_count

from prov_facade import DeviceFlow
from prov_facade.sandbox import Sandbox

pytestmark = [
    pytest.mark.stress,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork"),
]

SCRIPT = Path(__file__).with_name("processes.py")


def start(sandbox: Sandbox, what: str, processes: int) -> subprocess.Popen[str]:
    address = sandbox.config.keycloak_endpoint
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), address, CLIENT, what, str(processes)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def share(sandbox: Sandbox, what: str, processes: int) -> list[str]:
    """Start processes that use the cache at the same time, and return their tokens."""
    process = start(sandbox, what, processes)
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    tokens = output.split()
    assert len(tokens) == processes
    return tokens


def test_fifty_processes_refresh_shared_tokens_once(sandbox: Sandbox, home: Path) -> None:
    # Each refresh token is valid for one use: a second use would end the session for all of them.
    sandbox.realm.single_use = True
    first = device(sandbox).get_token()
    alter(cached_file(home), obtained_at=time.time() - 1000)
    tokens = share(sandbox, "get_token", 50)
    assert len(set(tokens)) == 1
    assert tokens[0] != first
    assert request_count(sandbox) == 2
    pickled(device(sandbox)).force_refresh()


def test_processes_that_keep_refreshing_do_not_interfere(sandbox: Sandbox, home: Path) -> None:
    sandbox.realm.single_use = True
    device(sandbox).get_token()
    tokens = share(sandbox, "force_refresh", 8)
    assert len(set(tokens)) > 1
    assert request_count(sandbox, "device_authorization") == 1
    DeviceFlow(sandbox.config, CLIENT).force_refresh()
    assert cached_file(home).stat().st_size


def test_a_killed_process_leaves_the_tokens_and_no_lock(sandbox: Sandbox, home: Path) -> None:
    device(sandbox).get_token()
    with start(sandbox, "hold", 1) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holds\n"
        process.kill()
    DeviceFlow(sandbox.config, CLIENT).force_refresh()
    assert cached_file(home).stat().st_size
