"""Ctrl-C ends a call wherever it is, and leaves the client usable and no file behind."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blocking.calling import ONE, client_for
from clients import quick_retries
from files.saving import KINDS, Kind, listed
from sample_calls import LINEAGE_REPLY, UNAVAILABLE
from scripted_server import Received, Reply, Server

from prov_facade import AuthManager, SyncProvClient


@pytest.fixture
def interrupt() -> Iterator[Callable[[float], None]]:
    """Interrupts the main thread after some seconds, as Ctrl-C does."""
    timers: list[threading.Timer] = []
    main = threading.main_thread().ident
    assert main is not None
    # Whatever runs the tests may have it otherwise, as shells do for what is in the background.
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
    """Its one connection can be had, and is not in the middle of something."""
    server.answer = LINEAGE_REPLY
    for _ in range(3):
        assert client.explore_upstream("1").record_count == 1


@pytest.mark.parametrize(
    "sent", [b"", LINEAGE_REPLY[:20], LINEAGE_REPLY[:-9]], ids=["nothing", "head", "body"]
)
def test_an_answer_that_does_not_come(
    sent: bytes,
    server: Server,
    client: SyncProvClient,
    interrupt: Callable[[float], None],
) -> None:
    def answer(_: Received) -> Reply:
        interrupt(0.05)
        return sent  # and the connection stays open

    for _ in range(3):
        server.answer = answer
        with pytest.raises(KeyboardInterrupt):
            client.explore_upstream("1")
        assert server.saw_closing()
        assert_usable(client, server)
        client.close()
        assert server.saw_closing()


def test_the_wait_before_another_attempt(
    server: Server, interrupt: Callable[[float], None]
) -> None:
    def answer(_: Received) -> Reply:
        interrupt(0.1)
        return UNAVAILABLE

    server.answer = answer
    policy = quick_retries(backoff=1000, max_backoff=1000, deadline=None)
    with client_for(server.url, policy, limits=ONE) as client:
        with pytest.raises(KeyboardInterrupt):
            client.explore_upstream("1")
        assert len(server.received) == 1
        assert_usable(client, server)


def test_the_wait_for_a_connection(
    server: Server,
    client: SyncProvClient,
    interrupt: Callable[[float], None],
) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def answer(_: Received) -> Reply:
        arrived.set()
        go_on.wait(10)
        return LINEAGE_REPLY

    server.answer = answer
    other = threading.Thread(target=client.explore_upstream, args=("2",))
    other.start()
    assert arrived.wait(10)
    interrupt(0.05)
    with pytest.raises(KeyboardInterrupt):
        client.explore_upstream("1")
    go_on.set()
    other.join()
    assert len(server.received) == 1
    assert_usable(client, server)


def test_an_auth_manager_at_work(server: Server, interrupt: Callable[[float], None]) -> None:
    class Slow(AuthManager):
        asked = 0

        def get_token(self) -> str:
            self.asked += 1
            if self.asked == 1:
                interrupt(0.05)
                threading.Event().wait(10)
            return "token-of-somebody"

        def force_refresh(self) -> None: ...

    with client_for(server.url, auth=Slow()) as client:
        with pytest.raises(KeyboardInterrupt):
            client.explore_upstream("1")
        assert not server.received
        assert_usable(client, server)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.method for kind in KINDS])
def test_a_file_that_has_come_by_half(
    kind: Kind,
    server: Server,
    client: SyncProvClient,
    folder: Path,
    interrupt: Callable[[float], None],
) -> None:
    def answer(_: Received) -> Reply:
        interrupt(0.2)
        return kind.half

    server.answer = answer
    save = getattr(client, kind.method)
    with pytest.raises(KeyboardInterrupt):
        save(kind.argument, folder)
    assert listed(folder) == {}
    server.answer = kind.reply
    assert save(kind.argument, folder) == folder / kind.name
    assert listed(folder) == {kind.name: kind.content}


def test_a_job_that_is_waited_for(server: Server, interrupt: Callable[[float], None]) -> None:
    def answer(_: Received) -> Reply:
        interrupt(0.05)
        return b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"

    server.answer = answer
    with client_for(server.url) as client:
        with pytest.raises(KeyboardInterrupt):
            client.jobs.wait("7f1c2a5e")
        assert_usable(client, server)
