"""No server can keep a thread beyond its deadline, however it goes about it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from blocking.calling import ONE, client_for
from clients import quick_retries
from sample_calls import LINEAGE, LINEAGE_REPLY, RECORD, UNAVAILABLE
from scripted_server import Drip, Received, Script, Server, json_reply, reply

from prov_facade import (
    RateLimitedError,
    RetryPolicy,
    SyncProvClient,
    TransportTimeoutError,
)

DEADLINE = 0.4
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
DRIPS = {
    "head": Drip(HEAD + b"X-Filler: " + b"x" * 5000, after=9),
    "body": Drip(HEAD + b"Content-Length: 5000\r\n\r\n" + b" " * 5000, after=len(HEAD) + 25),
    "chunk": Drip(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"x" * 5000, after=len(HEAD) + 30
    ),
}


@contextmanager
def in_time() -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert DEADLINE * 0.9 < time.monotonic() - begun < DEADLINE + 2


def limited(server: Server) -> SyncProvClient:
    return client_for(server.url, quick_retries(deadline=DEADLINE), limits=ONE)


def assert_late(error: TransportTimeoutError) -> None:
    assert f"within the deadline of {DEADLINE} s" in str(error)
    assert [attempt.error for attempt in error.attempts] == ["TransportTimeoutError"]


@pytest.mark.parametrize("name", DRIPS)
def test_an_answer_that_drips_is_cut(name: str, server: Server) -> None:
    server.answer = DRIPS[name]
    with limited(server) as client:
        with in_time(), pytest.raises(TransportTimeoutError) as caught:
            client.explore_upstream("1")
        assert_late(caught.value)
        assert server.saw_closing()
        server.answer = LINEAGE_REPLY
        assert client.explore_upstream("1").record_count == 1
    assert len(server.received) == 2


def test_without_a_deadline_an_answer_may_drip(server: Server) -> None:
    answer = json_reply(LINEAGE)
    server.answer = Drip(answer, after=len(answer) - 20)
    with client_for(server.url, quick_retries(deadline=None), timeout=0.3) as client:
        assert client.explore_upstream("1").record_count == 1


def test_an_answer_that_drips_in_time_is_read(server: Server) -> None:
    answer = json_reply(LINEAGE)
    server.answer = Drip(answer, after=len(answer) - 20)
    with client_for(server.url, quick_retries(deadline=30)) as client:
        assert client.explore_upstream("1").record_count == 1


def test_a_body_that_stops_late_is_cut_at_the_deadline_too(server: Server) -> None:
    """Not as long after the last byte as was left when the body began."""
    over, head = threading.Event(), HEAD + b"Content-Length: 9\r\n\r\n"

    def stop() -> Iterator[int]:
        yield from head
        time.sleep(2)
        yield ord(" ")
        over.wait(20)

    server.answer = Drip(stop(), after=len(head))
    begun = time.monotonic()
    with client_for(server.url, quick_retries(deadline=3.5)) as client:
        with pytest.raises(TransportTimeoutError, match="deadline"):
            client.explore_upstream("1")
        assert time.monotonic() - begun < 4.5  # and not 3.5 s after the byte that came last
    over.set()


def test_a_download_that_drips_is_cut_and_leaves_nothing(server: Server, folder: Path) -> None:
    whole = reply(b"a,b\n" * 5000, "text/csv")
    server.answer = Drip(whole, after=len(whole) - 15_000)
    with limited(server) as client:
        with in_time(), pytest.raises(TransportTimeoutError):
            client.save_csv_template("1", folder)
        assert list(folder.iterdir()) == []


@pytest.fixture
def unread() -> Iterator[str]:
    """The address of a server that accepts connections, and reads a little now and then."""
    over = threading.Event()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                while not over.wait(0.02):
                    connection.recv(2048)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join()


@pytest.mark.parametrize("call", ["records", "text", "file"])
def test_an_upload_that_is_hardly_read_is_cut(call: str, unread: str, tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_bytes(b"a,b\n" * 5_000_000)
    calls: dict[str, Callable[[SyncProvClient], object]] = {
        "records": lambda c: c.register_batch_model_runs(
            {"records": [{**RECORD, "description": "x" * 20_000_000}]}
        ),
        "text": lambda c: c.convert_model_runs_to_csv("a,b\n" * 5_000_000),
        "file": lambda c: c.convert_model_runs_file(path),
    }
    policy = quick_retries(deadline=1.5)
    with client_for(unread, policy) as client:
        begun = time.monotonic()
        with pytest.raises(TransportTimeoutError, match=r"deadline of 1\.5 s") as caught:
            calls[call](client)
        assert 1 < time.monotonic() - begun < 5
    assert ("check before" in str(caught.value)) == (call == "records")


def test_waiting_for_a_connection_ends_at_the_deadline(
    server: Server, stall: Callable[[Received], None]
) -> None:
    server.answer = stall
    with limited(server) as client:
        outcomes: list[BaseException] = []

        def calling() -> None:
            try:
                client.explore_upstream("1")
            except TransportTimeoutError as error:
                outcomes.append(error)

        threads = [threading.Thread(target=calling) for _ in range(5)]
        with in_time():
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert len(outcomes) == 5
    assert all("deadline" in str(error) for error in outcomes)
    assert len(server.received) < 5


def test_a_wait_that_the_server_asks_for_is_not_begun_beyond_the_deadline(server: Server) -> None:
    server.answer = Script(
        UNAVAILABLE, json_reply({"detail": "Slow down."}, 429, {"Retry-After": "30"})
    )
    policy = RetryPolicy(attempts=5, backoff=0.01, max_backoff=0.01, deadline=20)
    begun = time.monotonic()
    with client_for(server.url, policy) as client, pytest.raises(RateLimitedError):
        client.explore_upstream("1")
    assert time.monotonic() - begun < 10
    assert len(server.received) == 2
