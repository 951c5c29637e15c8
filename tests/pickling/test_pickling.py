"""Clients are pickled and copied: what they are set to, and no connections."""

from __future__ import annotations

import asyncio
import copy
import multiprocessing
import os
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest
from clients import TOKEN, config_for
from jobs.replies import DONE, SESSION, UNKNOWN
from pickling import elsewhere
from scripted_server import Script, Server

from prov_facade import (
    BearerToken,
    Config,
    JobsClient,
    PollPolicy,
    ProvAdminClient,
    ProvClient,
    RetryPolicy,
    SyncJobsClient,
    SyncProvAdminClient,
    SyncProvClient,
)
from prov_facade.sandbox import Sandbox

CLIENTS = [
    ProvClient,
    ProvAdminClient,
    JobsClient,
    SyncProvClient,
    SyncProvAdminClient,
    SyncJobsClient,
]
WHOLE = [ProvClient, SyncProvClient]
SETTINGS: dict[str, Any] = {
    "timeout": httpx.Timeout(7, connect=3),
    "retries": RetryPolicy(attempts=2, backoff=0),
    "polling": PollPolicy(interval=0.01, max_interval=0.02, not_found_grace=5),
    "limits": httpx.Limits(max_connections=7),
}


_LATEST = pickle.HIGHEST_PROTOCOL


def pickled(client: Any, protocol: int = _LATEST) -> Any:
    return pickle.loads(pickle.dumps(client, protocol))  # noqa: S301  (our own)


WAYS: dict[str, Callable[[Any], Any]] = {
    **{f"pickle{number}": partial(pickled, protocol=number) for number in range(2, _LATEST + 1)},
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.fixture(params=WAYS)
def again(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    """Makes another client of a client."""
    return WAYS[request.param]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def fixed(sandbox: Sandbox) -> BearerToken:
    return BearerToken(sandbox.token("read", "write", "admin"))


def message_of(client: Any) -> str:
    """Call the server, and leave the connection open."""
    answer = client.get_health_check()
    return str(asyncio.run(answer).message if asyncio.iscoroutine(answer) else answer.message)


def closed(client: Any) -> None:
    if hasattr(client, "close"):
        client.close()
    else:
        asyncio.run(client.aclose())


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_copy_is_set_as_the_client_is(
    kind: Callable[..., Any], again: Callable[[Any], Any]
) -> None:
    client = kind(BearerToken(TOKEN), Config("prov.test", "provena"), **SETTINGS)
    one = again(client)
    assert type(one) is kind
    assert one is not client
    assert repr(one) == repr(client)
    assert one._auth.get_token() == TOKEN
    assert one._config == client._config
    for name in ("_retries", "_polling"):
        assert getattr(one, name) == getattr(client, name)
    assert one._retries is not RetryPolicy()
    assert one._transport._timeout == SETTINGS["timeout"]
    assert one._transport._connections.limits == SETTINGS["limits"]
    for turns in ("_asking", "_sending"):
        expected = getattr(client._transport, turns)._at_once
        assert getattr(one._transport, turns)._at_once == expected
    assert one._transport._base_url == client._transport._base_url


@pytest.mark.parametrize("kind", WHOLE)
def test_a_copy_works_before_and_after_the_client_was_used(
    kind: Callable[..., Any], again: Callable[[Any], Any], sandbox: Sandbox
) -> None:
    client = kind(fixed(sandbox), sandbox.config, **SETTINGS)
    copies = [again(client)]
    expected = message_of(client)
    copies.append(again(client))
    copies.append(again(copies[-1]))
    for one in copies:
        assert message_of(one) == expected
    for one in (client, *copies):
        closed(one)
        assert message_of(one) == expected  # a closed one opens new connections
        closed(one)


@pytest.mark.parametrize("kind", WHOLE)
def test_what_belongs_to_a_client_goes_along_and_shares_with_it(
    kind: Callable[..., Any],
) -> None:
    client = kind(BearerToken(TOKEN), Config("prov.test", "provena"))
    for one in (client, pickled(client), copy.deepcopy(client), pickled(pickled(client))):
        for part in (one.admin, one.jobs):
            assert part._auth is one._auth
            assert part._renewal is one._renewal
            assert part._transport._pools is one._transport._pools
            assert part._transport._connections is one._transport._connections
            assert part._transport._sending is one._transport._sending
        assert one._transport._pools._make.__self__ is one._transport._connections
        assert "job-api" in repr(one.jobs)


@pytest.mark.parametrize("kind", WHOLE)
def test_connections_stay_with_the_client(kind: Callable[..., Any], sandbox: Sandbox) -> None:
    client = kind(fixed(sandbox), sandbox.config)
    before = pickle.dumps(client)
    message_of(client)
    assert pickle.dumps(client) == before
    for one in (pickled(client), copy.deepcopy(client)):
        assert one._transport._pools is not client._transport._pools
        assert one._transport._connections._certificates is None
    closed(client)


@pytest.mark.parametrize("part", ["admin", "jobs"])
@pytest.mark.parametrize("kind", WHOLE)
def test_a_part_of_a_client_can_go_alone(
    kind: Callable[..., Any], part: str, sandbox: Sandbox
) -> None:
    client = kind(fixed(sandbox), sandbox.config, **SETTINGS)
    message_of(client)
    closed(client)
    one = pickled(getattr(client, part))
    assert type(one) is type(getattr(client, part))
    assert one._polling == SETTINGS["polling"]
    if part == "jobs" and kind is SyncProvClient:
        with one:
            assert list(one.list()) == []
    elif part == "jobs":

        async def listed() -> list[Any]:
            async with one:
                return [job async for job in one.list()]

        assert asyncio.run(listed()) == []


def test_a_copy_waits_as_the_client_would() -> None:
    with Server(Script(UNKNOWN, UNKNOWN, DONE)) as server:
        client = SyncProvClient(BearerToken(TOKEN), config_for(server.url), **SETTINGS)
        with pickled(client) as one:
            assert one.jobs.wait(SESSION).session_id == SESSION
        assert len(server.received) == 3


@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("kind", WHOLE)
def test_a_copy_works_in_another_process(
    kind: Callable[..., Any],
    used: bool,
    sandbox: Sandbox,
) -> None:
    client = kind(fixed(sandbox), sandbox.config, **SETTINGS)
    message = message_of(client)
    if not used:
        client = kind(fixed(sandbox), sandbox.config, **SETTINGS)
    sandbox.clear_requests()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        process, said, jobs = pool.apply(elsewhere.called, (pickle.dumps(client),))
        pool.close()
        pool.join()
    assert process != os.getpid()
    assert (said, jobs) == (message, 0)
    assert [request.operation_id for request in sandbox.requests] == [
        "get_health_check",
        "list_jobs",
    ]
    closed(client)


@pytest.mark.parametrize("kind", [elsewhere.Named, elsewhere.SyncNamed])
def test_a_subclass_keeps_what_it_has(
    kind: Callable[..., Any], again: Callable[[Any], Any], sandbox: Sandbox
) -> None:
    client = kind(fixed(sandbox), sandbox.config, name="mine")
    message = message_of(client)
    one = again(client)
    assert type(one) is kind
    assert one.name == "mine"
    assert message_of(one) == message
    for each in (client, one):
        closed(each)


@pytest.mark.parametrize("kind", WHOLE)
def test_a_function_that_cannot_be_pickled_is_told_as_python_tells_it(
    kind: Callable[..., Any],
) -> None:
    client = kind(BearerToken(lambda: TOKEN), Config("prov.test", "provena"))
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(client)
    assert copy.deepcopy(client)._auth.get_token() == TOKEN


def token_of_the_environment() -> str:
    return os.environ["PROV_TOKEN_OF_A_TEST"]


@pytest.mark.parametrize("kind", WHOLE)
def test_a_function_with_a_name_goes_along(
    kind: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROV_TOKEN_OF_A_TEST", TOKEN)
    client = kind(BearerToken(token_of_the_environment), Config("prov.test", "provena"))
    assert TOKEN.encode() not in pickle.dumps(client)
    assert pickled(client)._auth.get_token() == TOKEN
