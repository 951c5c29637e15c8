from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import Callable, Generator
from typing import Any

import httpx
import pytest
from clients import ASYNC_ONLY, BOTH, TOKEN, ClientKind, client_for, config_for, failure, new, run
from sample_calls import LINEAGE, LINEAGE_REPLY, UNAUTHORIZED
from scripted_server import Received, Server, json_reply

from prov_facade import (
    AuthManager,
    BearerAuth,
    BearerToken,
    ConfigError,
    CredentialsError,
    ProvAdminClient,
    ProvClient,
    SupportsAuth,
)

INVALID_TOKENS = [
    "",
    " ",
    "tok en",
    "tok\nen",
    "tok\r\nX-Evil: 1",
    "tökén",
    "tok\0en",
    None,
    7,
    b"token",
]


@pytest.fixture
def lineage(server: Server) -> Server:
    """The server, with responses for lineage and health."""
    server.response = lambda request: json_reply(
        {"message": "Up."} if request.path == "/" else LINEAGE
    )
    return server


def test_a_fixed_token_is_sent_with_every_request(lineage: Server) -> None:
    client = client_for(lineage.url, BearerToken(TOKEN))
    run(client.explore_upstream("1"))
    run(client.explore_downstream("1"))
    assert [request.token for request in lineage.received] == [f"Bearer {TOKEN}"] * 2


def test_a_trailing_line_break_in_a_token_is_dropped(lineage: Server) -> None:
    run(client_for(lineage.url, BearerToken(f"{TOKEN}\n")).explore_upstream("1"))
    assert lineage.last.token == f"Bearer {TOKEN}"


def test_a_token_function_is_called_for_every_request(lineage: Server) -> None:
    tokens = iter(["first", "second", "third"])
    client = client_for(lineage.url, BearerToken(lambda: next(tokens)))

    async def twice() -> None:
        await client.explore_upstream("1")
        await client.explore_upstream("1")

    run(twice())
    run(client.explore_upstream("1"))
    assert [r.token for r in lineage.received] == ["Bearer first", "Bearer second", "Bearer third"]


def test_the_health_check_needs_no_token(lineage: Server) -> None:
    def fail() -> str:
        raise RuntimeError("asked for a token")

    run(client_for(lineage.url, BearerToken(fail)).get_health_check())
    assert lineage.last.token is None


@pytest.mark.parametrize("kind", [RuntimeError, KeyError, StopIteration, OSError])
def test_an_error_in_a_token_function_is_a_credentials_error(
    kind: type[Exception], lineage: Server
) -> None:
    def broken() -> str:
        raise kind(f"failed with {TOKEN}")

    client = client_for(lineage.url, BearerToken(broken))
    error = failure(CredentialsError, client.explore_upstream("1"))
    assert kind.__name__ in str(error)
    assert TOKEN not in f"{error}{error!r}"
    chain = [error.__cause__, error.__cause__ and error.__cause__.__cause__]
    assert any(isinstance(link, kind) for link in chain)
    assert error.operation == "explore_upstream"
    assert not lineage.received


def test_a_credentials_error_of_a_token_function_keeps_its_message(lineage: Server) -> None:
    def expired() -> str:
        raise CredentialsError("the refresh token has expired")

    error = failure(
        CredentialsError, client_for(lineage.url, BearerToken(expired)).explore_upstream("1")
    )
    assert "the refresh token has expired" in str(error)
    assert error.url == f"{lineage.url}/explore/upstream"


@pytest.mark.parametrize("token", INVALID_TOKENS)
@pytest.mark.parametrize("wrap", [lambda token: token, lambda token: lambda: token])
def test_an_invalid_token_is_a_credentials_error_and_not_sent(
    token: Any, wrap: Callable[[Any], Any], lineage: Server
) -> None:
    client = client_for(lineage.url, BearerToken(wrap(token)))
    error = failure(CredentialsError, client.explore_upstream("1"))
    assert "returned an invalid token" in str(error)
    if isinstance(token, str) and token.strip():
        assert token not in "".join(traceback.format_exception(error))
    assert not lineage.received


@pytest.mark.parametrize(
    "text", ['"{}"', "\ufeff{}\n", "PROV_TOKEN='{}'", "Bearer {}", "\u201c{}\u201d", "\u200b{}"]
)
@pytest.mark.parametrize("wrap", [lambda token: token, lambda token: lambda: token])
def test_only_the_token_itself_is_sent(
    text: str, wrap: Callable[[Any], Any], lineage: Server
) -> None:
    run(client_for(lineage.url, BearerToken(wrap(text.format(TOKEN)))).explore_upstream("1"))
    assert lineage.last.token == f"Bearer {TOKEN}"


def test_a_fixed_token_cannot_be_renewed() -> None:
    with pytest.raises(CredentialsError, match="cannot be renewed") as caught:
        BearerToken(TOKEN).force_refresh()
    assert TOKEN not in str(caught.value)
    BearerToken(lambda: TOKEN).force_refresh()
    assert BearerToken(lambda: TOKEN).get_token() == BearerToken(TOKEN).get_token() == TOKEN


@BOTH
def test_no_repr_shows_a_token(client_kind: ClientKind) -> None:
    assert repr(BearerToken(TOKEN)) == "BearerToken(<token>)"
    assert repr(BearerToken(lambda: TOKEN)) == "BearerToken(<function>)"
    client = client_for("https://prov-api.prov.test")
    prefix = "Sync" if client_kind == "sync" else ""
    assert repr(client) == f"{prefix}ProvClient('https://prov-api.prov.test')"
    assert repr(client.admin) == f"{prefix}ProvAdminClient('https://prov-api.prov.test')"
    assert TOKEN not in f"{client._auth!r}{client._auth.get_auth()!r}{BearerAuth(TOKEN)!r}"


def test_an_auth_manager_must_implement_its_methods() -> None:
    with pytest.raises(TypeError, match="abstract"):
        AuthManager()  # type: ignore[abstract]


def test_a_subclass_needs_only_two_methods(lineage: Server) -> None:
    class Fresh(AuthManager):
        def get_token(self) -> str:
            return TOKEN

        def force_refresh(self) -> None: ...

    run(client_for(lineage.url, Fresh()).explore_upstream("1"))
    assert lineage.last.token == f"Bearer {TOKEN}"


class Foreign:
    """An auth manager of another library that signs requests in its own way."""

    class Signature(httpx.Auth):
        def auth_flow(
            self, request: httpx.Request
        ) -> Generator[httpx.Request, httpx.Response, None]:
            request.headers["Authorization"] = f"Bearer {TOKEN}"
            request.headers["X-Tenant"] = "reef"
            yield request

    def get_token(self) -> str:
        return TOKEN

    def force_refresh(self) -> None: ...

    def get_auth(self) -> httpx.Auth:
        return self.Signature()


def test_an_object_with_the_methods_of_an_auth_manager_is_accepted(lineage: Server) -> None:
    assert isinstance(Foreign(), SupportsAuth)
    client = client_for(lineage.url, Foreign())
    run(client.explore_upstream("1"))
    assert lineage.last.token == f"Bearer {TOKEN}"
    assert lineage.last.headers["x-tenant"] == "reef"


def test_an_error_in_an_auth_manager_is_a_credentials_error(lineage: Server) -> None:
    class Broken(Foreign):
        def get_auth(self) -> httpx.Auth:
            raise RuntimeError(f"device flow with {TOKEN}")

    error = failure(CredentialsError, client_for(lineage.url, Broken()).explore_upstream("1"))
    assert "Broken" in str(error)
    assert "RuntimeError" in str(error)
    assert TOKEN not in str(error)
    assert isinstance(error.__cause__, RuntimeError)
    assert not lineage.received


@BOTH
@pytest.mark.parametrize("kind", [ProvClient, ProvAdminClient])
@pytest.mark.parametrize("auth", [TOKEN, None, object(), {"token": TOKEN}, lambda: TOKEN])
def test_an_invalid_auth_manager_is_rejected_and_not_shown(
    kind: type[ProvClient], auth: Any
) -> None:
    with pytest.raises(ConfigError, match="get_token") as caught:
        new(kind, auth, config_for("http://127.0.0.1"))
    assert TOKEN not in f"{caught.value}{caught.value!r}"


@BOTH
def test_the_config_must_be_a_config() -> None:
    config: Any = "prov.test"
    with pytest.raises(ConfigError, match="Config"):
        new(ProvClient, BearerToken(TOKEN), config)


@ASYNC_ONLY
def test_a_blocking_auth_manager_does_not_block_the_loop(lineage: Server) -> None:
    released = threading.Event()
    waited: list[bool] = []

    class Slow(Foreign):
        def get_auth(self) -> httpx.Auth:
            waited.append(released.wait(timeout=5))
            return super().get_auth()

    async def work() -> None:
        call = asyncio.create_task(client_for(lineage.url, Slow()).explore_upstream("1"))
        for _ in range(3):
            await asyncio.sleep(0.01)
        released.set()  # reached only if the loop runs while the manager waits
        await call

    run(work())
    assert waited == [True]


def test_a_subclass_of_bearer_token_can_override_force_refresh(server: Server) -> None:
    class Refreshing(BearerToken):
        current = "stale"

        def __init__(self) -> None:
            super().__init__(lambda: self.current)

        def force_refresh(self) -> None:
            self.current = TOKEN

    def respond(request: Received) -> bytes:
        return LINEAGE_REPLY if request.token == f"Bearer {TOKEN}" else UNAUTHORIZED

    server.response = respond
    assert run(client_for(server.url, Refreshing()).explore_upstream("1")).record_count == 1
    assert len(server.received) == 2
