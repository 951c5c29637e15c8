"""Request headers, and the connection settings of a client."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from certificates import server_context
from clients import BOTH, TOKEN, ClientKind, config_for, every_transport, failure, new, run
from scripted_server import Server, json_reply

import prov_facade
from prov_facade import BearerToken, ConfigError, ProvClient, RetryPolicy, TransportError

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
def test_certificates_are_verified_with_a_custom_bundle(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    with Server(json_reply(HEALTHY), tls=server_context(bundle)) as server:
        trusting = client_with(server.url, verify=bundle)
        assert run(trusting.get_health_check()).message == HEALTHY["message"]
        context = ssl.create_default_context(cafile=bundle)
        assert run(client_with(server.url, verify=context).get_health_check()).message
        error = failure(TransportError, client_with(server.url).get_health_check())
    assert "Nothing was sent" in str(error)


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
