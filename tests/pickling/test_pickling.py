"""Pickling and copying clients, with their settings and without their connections."""

from __future__ import annotations

import asyncio
import copy
import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from clients import TOKEN, AwaitedClient, config_for, failure
from jobs.replies import DONE, SESSION, UNKNOWN
from pickling import other_process
from sample_calls import LINEAGE_REPLY, UNAVAILABLE
from scripted_server import Script, Server, json_reply

from prov_facade import (
    BearerToken,
    Config,
    JobsClient,
    PollPolicy,
    ProvAdminClient,
    ProvClient,
    RetryPolicy,
    ServerError,
    SyncBaseClient,
    SyncJobsClient,
    SyncProvAdminClient,
    SyncProvClient,
    TransportTimeoutError,
)
from prov_facade.sandbox import Sandbox

SYNC = pytest.mark.sync_variant
CLIENTS = [
    ProvClient,
    ProvAdminClient,
    JobsClient,
    *(
        pytest.param(kind, marks=SYNC)
        for kind in (SyncProvClient, SyncProvAdminClient, SyncJobsClient)
    ),
]
MAIN_CLIENTS = [ProvClient, pytest.param(SyncProvClient, marks=SYNC)]
SETTINGS: dict[str, Any] = {
    "timeout": httpx.Timeout(7, read=5),
    "retries": RetryPolicy(attempts=2, backoff=0),
    "polling": PollPolicy(interval=0.01, max_interval=0.02, not_found_grace=5),
    "limits": httpx.Limits(max_connections=2),
}


def pickled(client: Any) -> Any:
    return pickle.loads(pickle.dumps(client))  # noqa: S301  (our own)


WAYS: dict[str, Callable[[Any], Any]] = {
    "pickle": pickled,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.fixture(params=WAYS)
def duplicate(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    """Copies a client."""
    return WAYS[request.param]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def bearer_token(sandbox: Sandbox) -> BearerToken:
    return BearerToken(sandbox.token("read", "write", "admin"))


def message_of(client: Any) -> str:
    """Return the message of the server, and leave the connection open."""
    response = client.get_health_check()
    return str(asyncio.run(response).message if asyncio.iscoroutine(response) else response.message)


def close(client: Any) -> None:
    if hasattr(client, "close"):
        client.close()
    else:
        asyncio.run(client.aclose())


def awaitable(client: Any) -> Any:
    """The client in a form whose calls are awaitable."""
    return AwaitedClient(client) if isinstance(client, SyncBaseClient) else client


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_copy_has_the_auth_and_config_of_the_client(
    kind: Callable[..., Any], duplicate: Callable[[Any], Any]
) -> None:
    client = kind(BearerToken(TOKEN), Config("prov.test", "provena"), **SETTINGS)
    one = duplicate(client)
    assert type(one) is kind
    assert one is not client
    assert repr(one) == repr(client)
    assert one._auth.get_token() == TOKEN
    assert one._config == client._config


@pytest.mark.parametrize("kind", MAIN_CLIENTS)
def test_a_copy_has_the_settings_of_the_client(
    kind: Callable[..., Any], duplicate: Callable[[Any], Any]
) -> None:
    with Server(UNAVAILABLE) as server:
        settings = {**SETTINGS, "timeout": httpx.Timeout(7, read=0.1)}
        one = awaitable(duplicate(kind(BearerToken(TOKEN), config_for(server.url), **settings)))
        failure(ServerError, one.explore_upstream("1"))
        assert len(server.received) == 2

        finished = threading.Event()
        server.response = lambda _: LINEAGE_REPLY if finished.wait(5) else None
        failure(TransportTimeoutError, one.explore_upstream("1"))
        finished.set()

        server.response, server.opened = LINEAGE_REPLY, 0

        async def together() -> None:
            await asyncio.gather(*(one.explore_upstream("1") for _ in range(6)))

        asyncio.run(together())
        assert server.opened <= 2


@pytest.mark.parametrize("kind", MAIN_CLIENTS)
def test_a_client_can_be_copied_before_and_after_its_first_call(
    kind: Callable[..., Any], duplicate: Callable[[Any], Any], sandbox: Sandbox
) -> None:
    client = kind(bearer_token(sandbox), sandbox.config, **SETTINGS)
    copies = [duplicate(client)]
    expected = message_of(client)
    copies.append(duplicate(client))
    copies.append(duplicate(copies[-1]))
    for one in copies:
        assert message_of(one) == expected
    for one in (client, *copies):
        close(one)
        assert message_of(one) == expected  # a closed client opens new connections
        close(one)


@pytest.mark.parametrize("kind", MAIN_CLIENTS)
def test_the_parts_of_a_copy_share_its_connections(kind: Callable[..., Any]) -> None:
    with Server(LINEAGE_REPLY) as server:
        client = kind(BearerToken(TOKEN), config_for(server.url))
        for made, one in enumerate((client, pickled(client), copy.deepcopy(client)), 1):
            assert one.admin._auth is one.jobs._auth is one._auth
            assert "job-api" in repr(one.jobs)
            asyncio.run(calls_of_all_parts(awaitable(one), server))
            assert server.opened == made


async def calls_of_all_parts(client: Any, server: Server) -> None:
    async with client:
        server.response = LINEAGE_REPLY
        await client.explore_upstream("1")
        server.response = json_reply({"status": {"success": True, "details": ""}})
        await client.admin.store_all_registry_records()
        server.response = DONE
        await client.jobs.fetch(SESSION)


@pytest.mark.parametrize("kind", MAIN_CLIENTS)
def test_connections_are_not_pickled(kind: Callable[..., Any], sandbox: Sandbox) -> None:
    client = kind(bearer_token(sandbox), sandbox.config)
    before = pickle.dumps(client)
    message_of(client)
    assert pickle.dumps(client) == before
    close(client)


@pytest.mark.parametrize("part", ["admin", "jobs"])
@pytest.mark.parametrize("kind", MAIN_CLIENTS)
def test_a_part_of_a_client_can_be_pickled_alone(
    kind: Callable[..., Any], part: str, sandbox: Sandbox
) -> None:
    client = kind(bearer_token(sandbox), sandbox.config, **SETTINGS)
    message_of(client)
    close(client)
    one = pickled(getattr(client, part))
    assert type(one) is type(getattr(client, part))
    if part == "jobs" and kind is SyncProvClient:
        with one:
            assert list(one.list()) == []
    elif part == "jobs":

        async def listed() -> list[Any]:
            async with one:
                return [job async for job in one.list()]

        assert asyncio.run(listed()) == []


@pytest.mark.parametrize("part", ["client", "jobs"])
def test_a_copy_keeps_the_polling_policy(part: str) -> None:
    with Server(Script(UNKNOWN, UNKNOWN, DONE)) as server:
        client = SyncProvClient(BearerToken(TOKEN), config_for(server.url), **SETTINGS)
        one = pickled(client).jobs if part == "client" else pickled(client.jobs)
        assert one.wait(SESSION).session_id == SESSION
        one.close()
        assert len(server.received) == 3


@pytest.mark.parametrize("kind", MAIN_CLIENTS)
def test_a_copy_works_in_another_process(kind: Callable[..., Any], sandbox: Sandbox) -> None:
    client = kind(bearer_token(sandbox), sandbox.config, **SETTINGS)
    message = message_of(client)
    sandbox.clear_requests()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        process, reply, jobs = pool.apply(other_process.use_client, (pickle.dumps(client),))
        pool.close()
        pool.join()
    assert process != os.getpid()
    assert (reply, jobs) == (message, 0)
    assert [request.operation_id for request in sandbox.requests] == [
        "get_health_check",
        "list_jobs",
    ]
    close(client)


@pytest.mark.parametrize(
    "kind", [other_process.Named, pytest.param(other_process.SyncNamed, marks=SYNC)]
)
def test_a_copy_of_a_subclass_keeps_its_attributes(
    kind: Callable[..., Any], duplicate: Callable[[Any], Any], sandbox: Sandbox
) -> None:
    client = kind(bearer_token(sandbox), sandbox.config, name="mine")
    message = message_of(client)
    one = duplicate(client)
    assert type(one) is kind
    assert one.name == "mine"
    assert message_of(one) == message
    for each in (client, one):
        close(each)


@pytest.mark.parametrize("kind", MAIN_CLIENTS)
def test_a_token_function_that_cannot_be_pickled_raises_a_pickling_error(
    kind: Callable[..., Any],
) -> None:
    client = kind(BearerToken(lambda: TOKEN), Config("prov.test", "provena"))
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(client)
    assert copy.deepcopy(client)._auth.get_token() == TOKEN


def token_of_the_environment() -> str:
    return os.environ["PROV_TOKEN_OF_A_TEST"]


@pytest.mark.parametrize("kind", MAIN_CLIENTS)
def test_a_named_token_function_is_pickled_by_name(
    kind: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROV_TOKEN_OF_A_TEST", TOKEN)
    client = kind(BearerToken(token_of_the_environment), Config("prov.test", "provena"))
    assert TOKEN.encode() not in pickle.dumps(client)
    assert pickled(client)._auth.get_token() == TOKEN
