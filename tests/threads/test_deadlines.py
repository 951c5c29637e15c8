"""A thread returns at its deadline, however slowly the server sends or reads."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from clients import quick_retries
from sample_calls import LINEAGE, LINEAGE_REPLY, RECORD, UNAVAILABLE
from scripted_server import Drip, Received, Script, Server, json_reply, reply
from threads.sync_client import ONE_CONNECTION, client_for

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
def ends_at_the_deadline() -> Iterator[None]:
    start = time.monotonic()
    yield
    assert DEADLINE * 0.9 < time.monotonic() - start < DEADLINE + 2


def client_with_deadline(server: Server) -> SyncProvClient:
    return client_for(server.url, quick_retries(deadline=DEADLINE), limits=ONE_CONNECTION)


def assert_timed_out(error: TransportTimeoutError) -> None:
    assert f"within the deadline of {DEADLINE} s" in str(error)
    assert [attempt.error for attempt in error.attempts] == ["TransportTimeoutError"]


@pytest.mark.parametrize("name", DRIPS)
def test_a_slow_response_ends_at_the_deadline(name: str, server: Server) -> None:
    server.response = DRIPS[name]
    with client_with_deadline(server) as client:
        with ends_at_the_deadline(), pytest.raises(TransportTimeoutError) as caught:
            client.explore_upstream("1")
        assert_timed_out(caught.value)
        assert server.saw_closing()
        server.response = LINEAGE_REPLY
        assert client.explore_upstream("1").record_count == 1
    assert len(server.received) == 2


def test_without_a_deadline_a_slow_response_is_read(server: Server) -> None:
    response = json_reply(LINEAGE)
    server.response = Drip(response, after=len(response) - 20)
    with client_for(server.url, quick_retries(deadline=None), timeout=0.3) as client:
        assert client.explore_upstream("1").record_count == 1


def test_a_slow_response_within_the_deadline_is_read(server: Server) -> None:
    response = json_reply(LINEAGE)
    server.response = Drip(response, after=len(response) - 20)
    with client_for(server.url, quick_retries(deadline=30)) as client:
        assert client.explore_upstream("1").record_count == 1


def test_a_body_that_stalls_late_ends_at_the_same_deadline(server: Server) -> None:
    """The time that is left when the body begins does not restart with its last byte."""
    ended, head = threading.Event(), HEAD + b"Content-Length: 9\r\n\r\n"

    def stall_body() -> Iterator[int]:
        yield from head
        time.sleep(2)
        yield ord(" ")
        ended.wait(20)

    server.response = Drip(stall_body(), after=len(head))
    start = time.monotonic()
    with client_for(server.url, quick_retries(deadline=3.5)) as client:
        with pytest.raises(TransportTimeoutError, match="deadline"):
            client.explore_upstream("1")
        assert time.monotonic() - start < 4.5  # not 3.5 s after the last byte
    ended.set()


def test_a_slow_download_ends_at_the_deadline_and_leaves_no_file(
    server: Server, folder: Path
) -> None:
    response = reply(b"a,b\n" * 5000, "text/csv")
    server.response = Drip(response, after=len(response) - 15_000)
    with client_with_deadline(server) as client:
        with ends_at_the_deadline(), pytest.raises(TransportTimeoutError):
            client.save_csv_template("1", folder)
        assert list(folder.iterdir()) == []


@pytest.fixture
def slow_reader() -> Iterator[str]:
    """The URL of a server that accepts connections, and reads 2 kB at a time, slowly."""
    ended = threading.Event()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                while not ended.wait(0.02):
                    connection.recv(2048)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended.set()
        thread.join()


@pytest.mark.parametrize("call", ["records", "text", "file"])
def test_an_upload_that_is_read_slowly_ends_at_the_deadline(
    call: str, slow_reader: str, tmp_path: Path
) -> None:
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
    with client_for(slow_reader, policy) as client:
        start = time.monotonic()
        with pytest.raises(TransportTimeoutError, match=r"deadline of 1\.5 s") as caught:
            calls[call](client)
        assert 1 < time.monotonic() - start < 5
    assert ("check before" in str(caught.value)) == (call == "records")


def test_waiting_for_a_connection_ends_at_the_deadline(
    server: Server, stall: Callable[[Received], None]
) -> None:
    server.response = stall
    with client_with_deadline(server) as client:
        outcomes: list[BaseException] = []

        def call() -> None:
            try:
                client.explore_upstream("1")
            except TransportTimeoutError as error:
                outcomes.append(error)

        threads = [threading.Thread(target=call) for _ in range(5)]
        with ends_at_the_deadline():
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert len(outcomes) == 5
    assert all("deadline" in str(error) for error in outcomes)
    assert len(server.received) < 5


def test_a_retry_after_beyond_the_deadline_is_not_waited_for(server: Server) -> None:
    server.response = Script(
        UNAVAILABLE, json_reply({"detail": "Slow down."}, 429, {"Retry-After": "30"})
    )
    policy = RetryPolicy(attempts=5, backoff=0.01, max_backoff=0.01, deadline=20)
    start = time.monotonic()
    with client_for(server.url, policy) as client, pytest.raises(RateLimitedError):
        client.explore_upstream("1")
    assert time.monotonic() - start < 10
    assert len(server.received) == 2
