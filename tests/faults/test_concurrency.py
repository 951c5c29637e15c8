"""One client in many tasks, loops, threads and processes."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path

import pytest
from clients import BOTH, new, retrying_client, run
from python_process import run_python
from sample_calls import LINEAGE_REPLY, UNAVAILABLE
from scripted_server import Received, Server

from prov_facade import ProvClient, RetryPolicy
from prov_facade.sandbox import Sandbox, gateway


def test_a_client_works_in_the_next_event_loop_after_a_fault(server: Server) -> None:
    client = retrying_client(server.url, RetryPolicy.none())
    for response in (UNAVAILABLE, None, LINEAGE_REPLY[:-5]):
        server.response, server.keeps_open = response, False
        outcomes = run(_gather(client, 3))
        assert all(isinstance(outcome, Exception) for outcome in outcomes)
        server.response, server.keeps_open = LINEAGE_REPLY, True
        assert not any(isinstance(outcome, Exception) for outcome in run(_gather(client, 3)))


async def _gather(client: ProvClient, count: int) -> list[object]:
    calls = (client.explore_upstream("1") for _ in range(count))
    return list(await asyncio.gather(*calls, return_exceptions=True))


def test_threads_with_their_own_loops_share_a_client(server: Server) -> None:
    def respond(_: Received) -> bytes:
        return UNAVAILABLE if len(server.received) % 7 == 0 else LINEAGE_REPLY

    server.response = respond
    policy = RetryPolicy(attempts=8, backoff=0.001, max_backoff=0.002)
    client, outcomes = retrying_client(server.url, policy), list[object]()

    def work() -> None:
        for _ in range(3):
            outcomes.extend(run(_gather(client, 10)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(outcomes) == 120
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]


@pytest.mark.stress
def test_a_thousand_calls_at_once(server: Server) -> None:
    lock, active, peak = threading.Lock(), 0, 0

    def respond(_: Received) -> bytes:
        nonlocal active, peak
        with lock:
            active += 1
            peak = max(active, peak)
        time.sleep(0.01)
        with lock:
            active -= 1
        return LINEAGE_REPLY

    server.response = respond

    async def work() -> list[object]:
        async with retrying_client(server.url, RetryPolicy.none(), timeout=60) as client:
            return await _gather(client, 1000)

    start = time.monotonic()
    outcomes = run(work())
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert len(server.received) == 1000
    assert 2 <= peak <= 100
    assert time.monotonic() - start < 30  # in httpx's own queue, it takes a minute


@pytest.mark.stress
@BOTH
def test_a_thousand_calls_succeed_although_a_gateway_rejects_some() -> None:
    with Sandbox() as sandbox:
        sandbox.faults.add("get_health_check", *[gateway(502), gateway(503)] * 25)

        async def work() -> list[object]:
            policy = RetryPolicy(attempts=20, backoff=0.01, max_backoff=0.02)
            auth = sandbox.auth("read")
            async with new(ProvClient, auth, sandbox.config, retries=policy, timeout=60) as client:
                calls = (client.get_health_check() for _ in range(1000))
                return list(await asyncio.gather(*calls, return_exceptions=True))

        outcomes = run(work())
        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        # Connections may also break under this load; their requests are retried.
        assert 1050 <= len(sandbox.requests) <= 1055


FORKING = Path(__file__).parent / "forking.py"


@pytest.mark.stress
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize("scenario", ["between loops", "next to a loop", "inside a loop"])
def test_a_client_works_after_a_fork(scenario: str, server: Server) -> None:
    def respond(request: Received) -> bytes:
        return LINEAGE_REPLY.replace(b"10378.1/40", request.query["starting_id"].encode())

    server.response = respond
    done = run_python("-W", "error", str(FORKING), server.url, scenario)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert sorted(done.stdout.split()) == ["child", "parent"]
