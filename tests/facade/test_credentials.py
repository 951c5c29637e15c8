"""Errors in auth managers of other libraries are raised as credentials errors."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any

import httpx
import pytest
from clients import BOTH, TOKEN, client_for, config_for, failure, new, run
from sample_calls import LINEAGE
from scripted_server import Server, json_reply

from prov_facade import BearerToken, ConfigError, CredentialsError, ProvClient, TransportError


class Manager:
    """An auth manager of another library that returns a given object."""

    def __init__(self, auth: Any) -> None:
        self.auth = auth

    def get_token(self) -> str:
        return TOKEN

    def force_refresh(self) -> None: ...

    def get_auth(self) -> httpx.Auth:
        if isinstance(self.auth, Exception):
            raise self.auth
        found: httpx.Auth = self.auth
        return found


class TwoSteps(httpx.Auth):
    """Sends a request, and sends it again with the challenge of the response."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        response = yield request
        request.headers["Authorization"] = f"Bearer {response.headers['x-challenge']}"
        yield request


class FailsBefore(httpx.Auth):
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if request.method:
            raise RuntimeError(f"cannot sign with {TOKEN}")
        yield request


class FailsAfter(httpx.Auth):
    closed = False

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        try:
            response = yield request
            raise RuntimeError(f"no challenge in {response.status_code}")
        finally:
            type(self).closed = True


@pytest.fixture
def challenging(server: Server) -> Server:
    server.response = lambda _: json_reply(LINEAGE, headers={"X-Challenge": "granted"})
    return server


def test_an_auth_flow_can_have_several_requests(challenging: Server) -> None:
    run(client_for(challenging.url, Manager(TwoSteps())).explore_upstream("1"))
    assert [request.token for request in challenging.received] == [None, "Bearer granted"]


@pytest.mark.parametrize(("auth", "sent"), [(FailsBefore(), 0), (FailsAfter(), 1)])
def test_an_error_in_an_auth_flow_is_a_credentials_error(
    auth: httpx.Auth, sent: int, challenging: Server
) -> None:
    client = client_for(challenging.url, Manager(auth))
    error = failure(CredentialsError, client.explore_upstream("1"))
    assert "Manager failed with RuntimeError" in str(error)
    assert TOKEN not in str(error)
    assert error.operation == "explore_upstream"
    assert isinstance(error.__cause__, RuntimeError)
    assert len(challenging.received) == sent


def test_a_failed_auth_flow_is_closed(challenging: Server) -> None:
    FailsAfter.closed = False
    failure(
        CredentialsError, client_for(challenging.url, Manager(FailsAfter())).explore_upstream("1")
    )
    assert FailsAfter.closed


@pytest.mark.parametrize("auth", [None, ("user", "password"), TOKEN, object()])
def test_an_invalid_httpx_auth_is_rejected_and_nothing_is_sent(
    auth: Any, challenging: Server
) -> None:
    client = client_for(challenging.url, Manager(auth))
    error = failure(CredentialsError, client.explore_upstream("1"))
    assert "must return an httpx.Auth" in str(error)
    assert TOKEN not in str(error)
    assert not challenging.received


def test_stop_iteration_in_an_auth_manager_is_an_error(challenging: Server) -> None:
    client = client_for(challenging.url, Manager(StopIteration()))
    error = failure(CredentialsError, client.explore_upstream("1"))
    assert "StopIteration" in str(error)


@BOTH
def test_a_class_is_rejected_as_auth_manager() -> None:
    auth: Any = BearerToken
    with pytest.raises(ConfigError, match="get_token"):
        new(ProvClient, auth, config_for("http://127.0.0.1"))


def test_an_auth_flow_is_closed_without_a_response(server: Server) -> None:
    class Waiting(httpx.Auth):
        closed = False

        def sync_auth_flow(
            self, request: httpx.Request
        ) -> Generator[httpx.Request, httpx.Response, None]:
            try:
                yield request
            finally:
                self.closed = True

        async def async_auth_flow(
            self, request: httpx.Request
        ) -> AsyncGenerator[httpx.Request, httpx.Response]:
            try:
                yield request
            finally:
                self.closed = True

    server.response = None
    server.keeps_open = False
    auth = Waiting()

    async def work() -> bool:
        with pytest.raises(TransportError):
            await client_for(server.url, Manager(auth)).explore_upstream("1")
        return auth.closed

    assert run(work())
