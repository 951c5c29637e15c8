"""Ctrl-C ends a call at any point, leaves the client usable, and leaves no partial file."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clients import quick_retries
from files.saving import KINDS, Kind, files_in
from sample_calls import LINEAGE_REPLY, UNAVAILABLE
from scripted_server import Received, Reply, Server
from threads.sync_client import ONE_CONNECTION, client_for

from prov_facade import AuthManager, SyncProvClient


@pytest.fixture
def interrupt() -> Iterator[Callable[[float], None]]:
    """Interrupt the main thread after some seconds, as Ctrl-C does."""
    timers: list[threading.Timer] = []
    main = threading.main_thread().ident
    assert main is not None
    # The test runner may have another handler: shells ignore SIGINT in background processes.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def later(seconds: float) -> None:
        timer = threading.Timer(seconds, lambda: signal.pthread_kill(main, signal.SIGINT))
        timers.append(timer)
        timer.start()

    yield later
    for timer in timers:
        timer.join()
    signal.signal(signal.SIGINT, before)


def assert_usable(client: SyncProvClient, server: Server) -> None:
    """Check that the only connection is free, and not in the middle of a response."""
    server.response = LINEAGE_REPLY
    for _ in range(3):
        assert client.explore_upstream("1").record_count == 1


@pytest.mark.parametrize(
    "sent", [b"", LINEAGE_REPLY[:20], LINEAGE_REPLY[:-9]], ids=["nothing", "head", "body"]
)
def test_interrupting_an_incomplete_response(
    sent: bytes,
    server: Server,
    client: SyncProvClient,
    interrupt: Callable[[float], None],
) -> None:
    def respond(_: Received) -> Reply:
        interrupt(0.05)
        return sent  # the connection stays open

    for _ in range(3):
        server.response = respond
        with pytest.raises(KeyboardInterrupt):
            client.explore_upstream("1")
        assert server.saw_closing()
        assert_usable(client, server)
        client.close()
        assert server.saw_closing()


def test_interrupting_the_wait_before_a_retry(
    server: Server, interrupt: Callable[[float], None]
) -> None:
    def respond(_: Received) -> Reply:
        interrupt(0.1)
        return UNAVAILABLE

    server.response = respond
    policy = quick_retries(backoff=1000, max_backoff=1000, deadline=None)
    with client_for(server.url, policy, limits=ONE_CONNECTION) as client:
        with pytest.raises(KeyboardInterrupt):
            client.explore_upstream("1")
        assert len(server.received) == 1
        assert_usable(client, server)


def test_interrupting_the_wait_for_a_connection(
    server: Server,
    client: SyncProvClient,
    interrupt: Callable[[float], None],
) -> None:
    arrived, resume = threading.Event(), threading.Event()

    def respond(_: Received) -> Reply:
        arrived.set()
        resume.wait(10)
        return LINEAGE_REPLY

    server.response = respond
    other = threading.Thread(target=client.explore_upstream, args=("2",))
    other.start()
    assert arrived.wait(10)
    interrupt(0.05)
    with pytest.raises(KeyboardInterrupt):
        client.explore_upstream("1")
    resume.set()
    other.join()
    assert len(server.received) == 1
    assert_usable(client, server)


def test_interrupting_an_auth_manager(server: Server, interrupt: Callable[[float], None]) -> None:
    class Slow(AuthManager):
        calls = 0

        def get_token(self) -> str:
            self.calls += 1
            if self.calls == 1:
                interrupt(0.05)
                threading.Event().wait(10)
            return "some-token"

        def force_refresh(self) -> None: ...

    with client_for(server.url, auth=Slow()) as client:
        with pytest.raises(KeyboardInterrupt):
            client.explore_upstream("1")
        assert not server.received
        assert_usable(client, server)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.method for kind in KINDS])
def test_interrupting_a_download(
    kind: Kind,
    server: Server,
    client: SyncProvClient,
    folder: Path,
    interrupt: Callable[[float], None],
) -> None:
    def respond(_: Received) -> Reply:
        interrupt(0.2)
        return kind.half

    server.response = respond
    save = getattr(client, kind.method)
    with pytest.raises(KeyboardInterrupt):
        save(kind.argument, folder)
    assert files_in(folder) == {}
    server.response = kind.reply
    assert save(kind.argument, folder) == folder / kind.name
    assert files_in(folder) == {kind.name: kind.content}


def test_interrupting_the_wait_for_a_job(
    server: Server, interrupt: Callable[[float], None]
) -> None:
    def respond(_: Received) -> Reply:
        interrupt(0.05)
        return b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"

    server.response = respond
    with client_for(server.url) as client:
        with pytest.raises(KeyboardInterrupt):
            client.jobs.wait("7f1c2a5e")
        assert_usable(client, server)
