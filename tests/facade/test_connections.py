"""Request headers, and the connection settings of a client."""

from __future__ import annotations

import base64
import datetime as dt
import re
import socket
import ssl
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from certificates import server_context
from clients import (
    BOTH,
    TOKEN,
    ClientKind,
    config_for,
    every_transport,
    failure,
    new,
    retrying_client,
    run,
)
from sample_calls import RECORD
from scripted_server import Server, json_reply

import prov_facade
from prov_facade import (
    BearerToken,
    CertificateError,
    ConfigError,
    ProvClient,
    RetryPolicy,
    TransportError,
)
from prov_facade._http.connection_errors import system_fault

HEALTHY = {"message": "Health check successful."}


def client_with(url: str, **settings: Any) -> ProvClient:
    settings = {"retries": RetryPolicy.none(), **settings}
    return new(ProvClient, BearerToken(TOKEN), config_for(url), **settings)


def _as_async(hook: Callable[[Any], None]) -> Callable[[Any], Awaitable[None]]:
    async def async_hook(message: Any) -> None:
        hook(message)

    return async_hook


def test_requests_have_a_user_agent(server: Server) -> None:
    server.response = json_reply(HEALTHY)
    run(client_with(server.url).get_health_check())
    agent = server.last.headers["user-agent"]
    assert agent == f"prov-facade/{prov_facade.__version__} python-httpx/{httpx.__version__}"


def test_event_hooks_receive_requests_and_responses(
    server: Server, client_kind: ClientKind
) -> None:
    server.response = json_reply(HEALTHY)
    seen: list[object] = []

    def request(request: httpx.Request) -> None:
        seen.append(request.method)

    def response(response: httpx.Response) -> None:
        seen.append(response.status_code)

    hooks: dict[str, list[Any]] = {"request": [request], "response": [response]}
    if client_kind == "async":
        hooks = {name: [_as_async(hook) for hook in plain] for name, plain in hooks.items()}
    run(client_with(server.url, event_hooks=hooks).get_health_check())
    assert seen == ["GET", 200]


@every_transport
def test_a_proxy_is_used(server: Server) -> None:
    server.response = json_reply(HEALTHY)
    client = client_with("http://127.0.0.1:9", proxy=server.url)
    assert run(client.get_health_check()).message == HEALTHY["message"]
    assert server.last.headers["host"] == "127.0.0.1:9"


@every_transport
def test_the_credentials_of_a_proxy_are_sent_to_it(server: Server) -> None:
    server.response = json_reply(HEALTHY)
    proxy = server.url.replace("://", "://ann:pass%20word@")
    run(client_with("http://127.0.0.1:9", proxy=proxy).get_health_check())
    credentials = base64.b64encode(b"ann:pass word").decode()
    assert server.last.headers["proxy-authorization"] == f"Basic {credentials}"


@pytest.mark.parametrize(("size", "count"), [(9_000, 1), (90_000, 1), (100, 500)])
@every_transport
def test_long_headers_are_accepted(size: int, count: int, server: Server) -> None:
    headers = {f"X-Header-{number}": "x" * size for number in range(count)}
    server.response = json_reply(HEALTHY, headers=headers)
    assert run(client_with(server.url).get_health_check()).message == HEALTHY["message"]


@every_transport
def test_headers_that_are_too_long_are_named(server: Server) -> None:
    server.response = json_reply(HEALTHY, headers={"X-Header": TOKEN * 10_000})
    error = failure(TransportError, client_with(server.url).get_health_check())
    assert "the headers of the response are too long" in str(error)
    assert TOKEN not in "".join(traceback.format_exception(error))


@every_transport
def test_cookies_are_not_kept(server: Server) -> None:
    server.response = json_reply(HEALTHY, headers={"Set-Cookie": "session=1; Path=/"})

    async def work() -> None:
        async with client_with(server.url.replace("127.0.0.1", "localhost")) as client:
            for _ in range(2):
                await client.get_health_check()

    run(work())
    assert "cookie" not in server.last.headers


@every_transport
def test_an_invalid_header_is_not_sent_or_shown(server: Server) -> None:
    class Unchecked(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Any:
            request.headers["Authorization"] = f"Bearer {TOKEN}\n"
            yield request

    class Careless(BearerToken):
        def get_auth(self) -> httpx.Auth:
            return Unchecked()

    client = new(ProvClient, Careless(TOKEN), config_for(server.url), retries=RetryPolicy.none())
    error = failure(TransportError, client.explore_upstream("1"))
    assert "Nothing was sent" in str(error)
    assert TOKEN not in "".join(traceback.format_exception(error))


@every_transport
def test_certificates_are_verified_with_a_custom_bundle(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    with Server(json_reply(HEALTHY), tls=server_context(bundle)) as server:
        trusting = client_with(server.url, verify=bundle)
        assert run(trusting.get_health_check()).message == HEALTHY["message"]
        context = ssl.create_default_context(cafile=bundle)
        assert run(client_with(server.url, verify=context).get_health_check()).message
        error = failure(TransportError, client_with(server.url).get_health_check())
    assert "Nothing was sent" in str(error)


CERTIFICATES = {
    "unknown": (dt.timedelta(days=1), "127.0.0.1", None, "self-signed certificate"),
    "expired": (dt.timedelta(days=-1), "127.0.0.1", "bundle.pem", "certificate has expired"),
    "another host": (dt.timedelta(days=1), "localhost", "bundle.pem", "ostname mismatch"),
}


@pytest.mark.parametrize("name", CERTIFICATES)
@every_transport
def test_a_rejected_certificate_is_explained_and_not_retried(name: str, tmp_path: Path) -> None:
    valid_for, host, verify, reason = CERTIFICATES[name]
    tls = server_context(tmp_path / "bundle.pem", valid_for=valid_for)
    with Server(json_reply(HEALTHY), tls=tls) as server:
        url = server.url.replace("127.0.0.1", host)
        client = retrying_client(url, verify=verify and tmp_path / verify)
        for call in (
            client.get_health_check(),
            client.register_model_run(RECORD),
            client.jobs.wait("7f0c1a52"),
        ):
            error = failure(CertificateError, call)
            assert f"the certificate of {host}:{server.port} was rejected (" in str(error)
            assert reason in str(error)
            assert "Nothing was sent" in str(error)
            assert "verify=" in str(error)
            assert not error.may_have_arrived
            assert len(error.attempts) == 1
        assert server.opened == 3
        assert not server.received


UNREACHABLE = {
    "refused": ("http://127.0.0.1:1", "127.0.0.1:1", "onnect"),
    "unknown": (
        "https://prov-api.invalid",
        "prov-api.invalid",
        "not known|failure|No addr",
    ),
}


@pytest.mark.parametrize("name", UNREACHABLE)
@every_transport
def test_the_error_of_a_failed_connection_names_the_host_and_the_reason(name: str) -> None:
    url, host, reason = UNREACHABLE[name]
    client = retrying_client(url)
    error = failure(TransportError, client.register_model_run(RECORD))
    assert type(error) is TransportError
    assert f"the connection to {host} could not be opened (" in str(error)
    assert re.search(reason, str(error).partition("opened (")[2])
    assert "Nothing was sent" in str(error)
    assert len(error.attempts) == 3


@BOTH
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"verify": False}, "always checked"),
        ({"verify": True}, "always checked"),
        (
            {"transport": httpx.MockTransport(lambda _: httpx.Response(200)), "proxy": "http://x"},
            "configure your own transport",
        ),
        ({"transport": "requests"}, "must be an httpx"),
        ({"retries": 3}, "RetryPolicy"),
    ],
)
def test_invalid_settings_are_rejected(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        client_with("http://localhost", **settings)


@BOTH
def test_a_missing_certificate_bundle_is_a_config_error(tmp_path: Path) -> None:
    client = client_with("https://localhost", verify=tmp_path / "missing.pem")
    with pytest.raises(ConfigError, match="certificate file"):
        run(client.get_health_check())


@pytest.mark.parametrize(
    "setting",
    [{"attempts": 0}, {"attempts": True}, {"backoff": -1}, {"deadline": "5"}, {"backoff": 1e999}],
)
def test_invalid_policies_are_rejected(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(setting))):
        RetryPolicy(**setting)


def test_the_number_of_an_unknown_name_is_not_taken_for_one_of_the_system() -> None:
    error = socket.gaierror(8, "nodename nor servname provided, or not known")  # as on macOS
    assert system_fault(error) == "nodename nor servname provided, or not known"
