"""Cancelled waits: the job continues, and another wait can follow."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from clients import ASYNC_ONLY, TOKEN, client_for, config_for, quick_polling, run
from jobs.replies import DONE, SESSION, job_reply
from scripted_server import Received, Reply, Script, Server

from prov_facade import BearerToken, JobStatus, ProvClient, RetryPolicy, SyncProvClient
from prov_facade.sandbox import JobDelays, Sandbox

PENDING = job_reply("PENDING")


@ASYNC_ONLY
@pytest.mark.parametrize("during", ["sleep", "poll"])
def test_a_cancelled_wait_ends_at_once_and_stops_polling(server: Server, during: str) -> None:
    polled = threading.Event()

    def slow(_: Received) -> Reply:
        polled.set()
        time.sleep(0.5)
        return None

    def respond(_: Received) -> Reply:
        polled.set()
        return PENDING

    server.response = slow if during == "poll" else respond
    client = client_for(server.url, polling=quick_polling(interval=0.05, max_interval=0.05))

    async def time_to_cancel() -> float:
        waiting = asyncio.create_task(client.jobs.wait(SESSION))
        await asyncio.to_thread(polled.wait, 5)
        await asyncio.sleep(0.02)
        start = time.monotonic()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        elapsed = time.monotonic() - start
        await asyncio.sleep(0.1)
        return elapsed

    assert run(time_to_cancel()) < 0.3
    assert len(server.received) == 1

    server.response = Script(DONE)
    assert run(client.jobs.wait(SESSION)).status == JobStatus.SUCCEEDED


@ASYNC_ONLY
def test_a_timeout_of_the_caller_ends_a_wait(server: Server) -> None:
    server.response = Script(PENDING)

    async def limited() -> None:
        async with asyncio.timeout(0.1):
            await client_for(server.url).jobs.wait(SESSION)

    with pytest.raises(TimeoutError) as caught:
        run(limited())
    assert type(caught.value) is TimeoutError


@ASYNC_ONLY
def test_leaving_the_iterator_stops_polling(server: Server) -> None:
    server.response = Script(PENDING)

    async def leave() -> None:
        async for _ in client_for(server.url).jobs.watch(SESSION):
            break
        await asyncio.sleep(0.1)

    run(leave())
    assert len(server.received) == 1


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Enable Ctrl-C, which a shell may disable for background processes."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_a_synchronous_wait() -> None:
    with Server(Script(PENDING)) as server:
        interrupt_wait(server)


def interrupt_wait(server: Server) -> None:
    overrides = config_for(server.url)
    client = SyncProvClient(BearerToken(TOKEN), overrides, retries=RetryPolicy.none())
    main = threading.main_thread().ident
    assert main is not None
    interrupt = threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGINT))
    interrupt.start()
    with client:
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            client.jobs.wait(
                SESSION, polling=quick_polling(interval=30, max_interval=30, deadline=60)
            )
        assert time.monotonic() - start < 10
        server.response = DONE
        assert client.jobs.wait(SESSION).status == JobStatus.SUCCEEDED
    interrupt.join()


def test_another_client_can_wait_for_the_job_of_a_cancelled_wait() -> None:
    with Sandbox(delays=JobDelays(in_progress=0.3)) as sandbox:
        record = sandbox.items("MODEL_RUN")[0].body["record"]
        auth = sandbox.auth("read", "write")
        started = asyncio.Event()
        sessions: list[str] = []

        async def leave() -> None:
            async with ProvClient(auth, sandbox.config, polling=quick_polling()) as client:

                def note(job: object) -> None:
                    sessions.append(getattr(job, "session_id", ""))
                    started.set()

                waiting = asyncio.create_task(client.register_and_wait(record, on_change=note))
                await started.wait()
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting

        run(leave())
        with SyncProvClient(auth, sandbox.config, polling=quick_polling()) as another:
            registered = another.jobs.wait_for_model_run(sessions[0])
        assert registered.handle in {item.id for item in sandbox.items("MODEL_RUN")}
        operations = [request.operation_id for request in sandbox.requests]
        assert operations.count("register_model_run") == 1
