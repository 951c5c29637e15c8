from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from api_document import DOCX
from clients import BOTH, TOKEN, client_for, config_for, failure, new, run
from sample_calls import LINEAGE, RECORD, REPORT, SAMPLES
from scripted_server import Received, Server, json_reply, reply

from prov_facade import (
    BearerToken,
    ConfigError,
    CredentialsError,
    InvalidResponseError,
    ProvAdminClient,
    ProvClient,
    RetryPolicy,
    TransportError,
    TransportTimeoutError,
)

OUTCOME_UNKNOWN = "The server may have acted on the request"


@pytest.fixture
def stuck(server: Server) -> Iterator[Server]:
    """A server that never responds."""
    release = threading.Event()

    def wait(_: Received) -> None:
        release.wait(10)

    server.response = wait
    yield server
    release.set()


def unused_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@BOTH
def test_a_refused_connection_says_that_nothing_was_sent() -> None:
    client = client_for(f"http://127.0.0.1:{unused_port()}")
    for call in (client.explore_upstream("1"), client.register_model_run(RECORD)):
        error = failure(TransportError, call)
        assert type(error) is TransportError
        assert "Nothing was sent" in str(error)
        assert OUTCOME_UNKNOWN not in str(error)
        assert isinstance(error.__cause__, httpx.ConnectError)
        assert error.response is None
        assert error.status_code is None


@pytest.mark.parametrize(
    "response",
    [None, b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", b"220 mail.prov.test ESMTP\r\n"],
    ids=["nothing", "no byte", "cut off", "another protocol"],
)
def test_a_write_without_a_complete_response_may_have_arrived(
    response: bytes | None, server: Server, client: ProvClient
) -> None:
    server.response = response
    server.keeps_open = False
    read = failure(TransportError, client.explore_upstream("1"))
    assert OUTCOME_UNKNOWN not in str(read)
    assert "Nothing was sent" not in str(read)
    write = failure(TransportError, client.register_model_run(RECORD))
    assert OUTCOME_UNKNOWN in str(write)
    assert write.__cause__ is None  # it would quote what the server sent
    assert (write.operation, write.method) == ("register_model_run", "POST")
    assert write.url == f"{server.url}/model_run/register"
    assert len(server.received) == 2  # neither was sent twice
    assert not isinstance(write, TimeoutError)


@pytest.mark.parametrize("timeout", [0.1, httpx.Timeout(5, read=0.1)])
def test_the_timeout_of_a_call_overrides_that_of_the_client(
    timeout: float | httpx.Timeout, stuck: Server
) -> None:
    client = client_for(stuck.url, timeout=30)
    error = failure(TransportTimeoutError, client.explore_upstream("1", timeout=timeout))
    assert isinstance(error, TimeoutError)
    assert "in time" in str(error)
    assert OUTCOME_UNKNOWN not in str(error)


def test_the_timeout_of_the_client_applies_to_every_call(stuck: Server) -> None:
    client = client_for(stuck.url, timeout=0.1)
    for call in (client.register_model_run(RECORD), client.admin.store_all_registry_records()):
        error = failure(TransportTimeoutError, call)
        assert isinstance(error, TimeoutError)
        assert OUTCOME_UNKNOWN in str(error)


@pytest.mark.parametrize(
    "timeout", [0, -1, 0.0, float("nan"), True, "30", b"1", (1, 2), [], object()]
)
def test_an_invalid_timeout_is_rejected(timeout: Any, server: Server) -> None:
    auth, config = BearerToken(TOKEN), config_for(server.url)
    for kind in (ProvClient, ProvAdminClient):
        with pytest.raises(ConfigError, match="must be a number of seconds greater than 0"):
            new(kind, auth, config, timeout=timeout)
    client = client_for(server.url)
    assert isinstance(failure(ConfigError, client.get_health_check(timeout=timeout)), ValueError)
    assert not server.opened


def test_waiting_for_a_connection_times_out_and_nothing_is_sent(stuck: Server) -> None:
    limits = httpx.Limits(max_connections=1)
    client = new(
        ProvClient,
        BearerToken(TOKEN),
        config_for(stuck.url),
        timeout=0.2,
        limits=limits,
        retries=RetryPolicy.none(),
    )

    async def work() -> list[BaseException | object]:
        calls = (client.register_model_run(RECORD) for _ in range(3))
        return await asyncio.gather(*calls, return_exceptions=True)

    errors = run(work())
    assert all(isinstance(error, TransportTimeoutError) for error in errors)
    assert any("Nothing was sent" in str(error) for error in errors)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_PROXY", "ftp://proxy.test"),
        ("HTTP_PROXY", "http://proxy.test:port"),
    ],
)
def test_an_invalid_environment_is_a_config_error(
    name: str, value: str, server: Server, client: ProvClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    error = failure(ConfigError, client.get_health_check())
    assert "no connection can be set up" in str(error)
    monkeypatch.delenv(name)
    server.response = SAMPLES["get_health_check"].reply
    run(client.get_health_check())


def test_a_path_prefix_is_part_of_every_url(server: Server) -> None:
    server.response = json_reply(LINEAGE)
    client = client_for(f"{server.url}/gate/v1/")
    run(client.explore_upstream("1"))
    assert server.last.path == "/gate/v1/explore/upstream"
    server.response = SAMPLES["get_health_check"].reply
    run(client.get_health_check())
    assert server.last.path == "/gate/v1/"


@BOTH
def test_a_custom_transport_is_used() -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        assert request.url == "https://prov-api.prov.test/"
        return httpx.Response(200, json={"message": "Up."})

    config = config_for("https://prov-api.prov.test")
    transport = httpx.MockTransport(respond)
    client = new(ProvClient, BearerToken(TOKEN), config, transport=transport)
    for _ in range(2):
        assert run(client.get_health_check()).message == "Up."


def test_a_token_with_invalid_header_characters_is_not_shown(server: Server) -> None:
    class Careless(BearerToken):
        def get_auth(self) -> httpx.Auth:
            return Unchecked()

    class Unchecked(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Any:
            request.headers["Authorization"] = f"Bearer {TOKEN}\n"
            yield request

    error = failure(TransportError, client_for(server.url, Careless(TOKEN)).explore_upstream("1"))
    assert TOKEN not in f"{error}{error!r}{error.__cause__!r}"
    assert "Nothing was sent" in str(error)
    assert not server.received
    assert not isinstance(error, CredentialsError | InvalidResponseError)


def test_large_requests_and_responses_are_transferred(server: Server, client: ProvClient) -> None:
    batch = {"records": [RECORD] * 3_000}
    server.response = SAMPLES["register_batch_model_runs"].reply
    run(client.register_batch_model_runs(batch))
    assert len(server.last.json["records"]) == 3_000
    server.response = reply(b"\0" * 3_000_000, DOCX)
    with pytest.raises(AssertionError, match="3000000 bytes"):
        run(client.generate_report(REPORT))
