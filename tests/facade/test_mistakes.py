"""Common mistakes raise errors that say what is wrong."""

from __future__ import annotations

import asyncio
import datetime as dt
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from clients import BOTH, TOKEN, ClientKind, client_for, config_for, failure, new, run
from sample_calls import LINEAGE_REPLY, RECORD, SAMPLES
from scripted_server import Server, json_reply

from prov_facade import (
    APIError,
    APIOverrides,
    BadRequestError,
    BearerToken,
    Config,
    ConfigError,
    CredentialsError,
    InvalidRequestError,
    ProvClient,
)


def test_the_default_timeout_is_thirty_seconds() -> None:
    assert inspect.signature(ProvClient).parameters["timeout"].default == 30


@BOTH
@pytest.mark.parametrize(
    "setting",
    [{"limits": 5}, {"transport": "http"}, {"transport": httpx.HTTPTransport}],
    ids=["limits", "transport", "class"],
)
def test_the_constructor_rejects_an_invalid_setting(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="must be an httpx"):
        new(ProvClient, BearerToken(TOKEN), config_for("http://127.0.0.1"), **setting)


@BOTH
def test_the_constructor_rejects_a_transport_of_the_other_client(client_kind: ClientKind) -> None:
    is_async = client_kind == "async"
    transport: Any = httpx.HTTPTransport() if is_async else httpx.AsyncHTTPTransport()
    expected = r"an httpx\.AsyncBaseTransport" if is_async else r"an httpx\.BaseTransport"
    with pytest.raises(ConfigError, match=expected):
        new(ProvClient, BearerToken(TOKEN), config_for("http://127.0.0.1"), transport=transport)


@pytest.mark.parametrize("domain", ["a..b", ".a", "a.", "-a.b", "a-.b", "prov.test."])
def test_a_domain_with_an_empty_label_is_rejected(domain: str) -> None:
    with pytest.raises(ConfigError, match="not a domain"):
        Config(domain, "provena")


def test_a_url_with_an_invalid_host_is_rejected() -> None:
    with pytest.raises(ConfigError, match="prov_api_endpoint_override"):
        APIOverrides(prov_api_endpoint_override="http://xn--ü.test")


@pytest.mark.parametrize("token", [None, 5, b"token"])
def test_the_error_names_the_type_of_an_invalid_token(token: Any, server: Server) -> None:
    client = client_for(server.url, BearerToken(lambda: token))
    error = failure(CredentialsError, client.explore_upstream("1"))
    assert f"must be a str, not {type(token).__name__}" in str(error)


def test_the_asynchronous_client_awaits_a_coroutine_function(server: Server) -> None:
    async def token() -> str:
        await asyncio.sleep(0)
        return TOKEN

    server.response = LINEAGE_REPLY
    run(client_for(server.url, BearerToken(token), kind="async").explore_upstream("1"))
    assert server.received[-1].token == f"Bearer {TOKEN}"

    async def broken() -> str:
        raise RuntimeError(TOKEN)

    client = client_for(server.url, BearerToken(broken), kind="async")
    error = failure(CredentialsError, client.explore_upstream("1"))
    assert "failed with RuntimeError" in str(error)


def test_the_synchronous_client_rejects_a_coroutine_function(server: Server) -> None:
    async def token() -> str:
        return TOKEN

    client = client_for(server.url, BearerToken(token), kind="sync")
    error = failure(CredentialsError, client.explore_upstream("1"))
    assert "returned a coroutine" in str(error)
    with pytest.raises(CredentialsError, match="coroutine functions"):
        BearerToken(token).get_token()


@pytest.mark.parametrize(
    "moment", [dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.date(2026, 1, 1), dt.timedelta(1)]
)
def test_a_datetime_is_not_accepted_as_unix_seconds(moment: Any, client: ProvClient) -> None:
    error = failure(
        InvalidRequestError, client.register_model_run({**RECORD, "start_time": moment})
    )
    assert error.path == "$.start_time"
    assert "Expected `int`" in str(error)
    assert "got `str`" not in str(error)


class Dumped:
    """An object with ``model_dump``, like pydantic models."""

    def __init__(self, dump: Any) -> None:
        self.dump = dump

    def model_dump(self, *, mode: str, exclude_none: bool) -> dict[str, Any]:
        assert (mode, exclude_none) == ("json", True)
        if isinstance(self.dump, Exception):
            raise self.dump
        found: dict[str, Any] = self.dump
        return found


class DumpedV1:
    """An object with ``dict``, like models of pydantic 1."""

    def __init__(self, dump: Any) -> None:
        self.dump = dump

    def dict(self, *, exclude_none: bool) -> Mapping[str, Any]:
        assert exclude_none
        if isinstance(self.dump, Exception):
            raise self.dump
        found: Mapping[str, Any] = self.dump
        return found


class Undumpable:
    """A class whose method ``dict`` takes no arguments, and is for something else."""

    def dict(self) -> None: ...


@pytest.mark.parametrize("kind", [Dumped, DumpedV1])
@pytest.mark.parametrize("dump", [RuntimeError("no"), None, object(), "text"])
def test_an_object_with_an_invalid_dump_is_rejected(
    dump: Any, kind: Callable[[Any], Any], server: Server, client: ProvClient
) -> None:
    error = failure(InvalidRequestError, client.register_model_run(kind(dump)))
    assert "Dumped" in str(error)
    assert not server.received


def test_an_object_with_an_unrelated_method_is_rejected_by_name(client: ProvClient) -> None:
    argument: Any = Undumpable()
    error = failure(InvalidRequestError, client.register_model_run(argument))
    assert "Undumpable" in str(error)


def test_a_dump_without_its_nulls_is_sent(server: Server, client: ProvClient) -> None:
    server.response = json_reply(SAMPLES["register_model_run"].response)
    run(client.register_model_run(Dumped(RECORD)))
    run(client.register_model_run(DumpedV1(RECORD)))
    assert len(server.received) == 2


def test_only_a_401_can_report_a_missing_role(server: Server, client: ProvClient) -> None:
    server.response = json_reply({"detail": "The role of the dataset is unknown."}, 400)
    error = failure(APIError, client.explore_upstream("1"))
    assert type(error) is BadRequestError
