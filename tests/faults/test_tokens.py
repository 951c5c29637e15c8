"""Rejected tokens are renewed once for all concurrent calls, without blocking others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from clients import ASYNC_ONLY, TOKEN, failure, retrying_client, run
from faults.tokens import Numbered
from sample_calls import LINEAGE_REPLY, UNAUTHORIZED, UNAVAILABLE, WRITE
from scripted_server import Received, Script, Server, json_reply, reply

from prov_facade import (
    AuthenticationError,
    BearerAuth,
    BearerToken,
    CredentialsError,
    PermissionDeniedError,
)


class Lowercase(Numbered):
    """An auth manager that writes the scheme in lower case, which servers allow."""

    def get_auth(self) -> httpx.Auth:
        auth = BearerAuth(self.get_token())
        auth._header = auth._header.replace("Bearer", "bearer")
        return auth


class Quoted(Numbered):
    """An auth manager whose tokens are quoted."""

    def get_token(self) -> str:
        return f'"{super().get_token()}"\n'


def accepting(number: int) -> Callable[[Received], bytes]:
    """Respond to requests, accepting only the token with this number."""
    return lambda r: LINEAGE_REPLY if (r.token or "").endswith(f"-{number}") else UNAUTHORIZED


@pytest.mark.parametrize("kind", [Numbered, Lowercase, Quoted])
def test_a_rejected_token_is_renewed(kind: type[Numbered], server: Server) -> None:
    server.response, manager = accepting(1), kind()
    assert run(retrying_client(server.url, auth=manager).explore_upstream("1")).record_count == 1
    assert len(server.received) == 2
    assert manager.number == 1


def test_a_write_is_repeated_with_its_body_after_a_renewal(server: Server) -> None:
    server.response = Script(UNAUTHORIZED, WRITE.reply)
    run(WRITE.call(retrying_client(server.url, auth=Numbered())))
    first, second = server.received
    assert first.body == second.body
    assert (first.token, second.token) == (f"Bearer {TOKEN}-0", f"Bearer {TOKEN}-1")


def test_a_renewal_does_not_count_as_an_attempt(server: Server) -> None:
    server.response = Script(UNAUTHORIZED, UNAVAILABLE, UNAVAILABLE, LINEAGE_REPLY)
    run(retrying_client(server.url, auth=Numbered()).explore_upstream("1"))
    assert len(server.received) == 4


def test_a_token_is_renewed_once_per_call(server: Server) -> None:
    server.response = Script(UNAUTHORIZED, UNAVAILABLE, UNAUTHORIZED, LINEAGE_REPLY)
    manager = Numbered()
    failure(AuthenticationError, retrying_client(server.url, auth=manager).explore_upstream("1"))
    assert len(server.received) == 3
    assert manager.number == 1


def test_a_rejected_new_token_is_an_error(server: Server) -> None:
    server.response, manager = UNAUTHORIZED, Numbered()
    client = retrying_client(server.url, auth=manager)
    failure(AuthenticationError, client.explore_upstream("1"))
    assert (len(server.received), manager.number) == (2, 1)
    failure(AuthenticationError, client.explore_upstream("1"))
    assert (len(server.received), manager.number) == (4, 2)


def test_a_fixed_token_is_not_renewed(server: Server) -> None:
    server.response = UNAUTHORIZED
    error = failure(AuthenticationError, retrying_client(server.url).explore_upstream("1"))
    assert "Sign in again" in str(error)
    assert len(server.received) == 1


_DENIED = "Registry API denied access to resource: 401. Error: "


@pytest.mark.parametrize(
    "detail",
    [
        "Not authenticated",
        "Could not validate credentials",
        "Token had incorrect structure.",
        f"{_DENIED}Could not validate credentials",
        "Unauthorized",
    ],
)
def test_a_401_about_the_token_renews_it_once(detail: str, server: Server) -> None:
    server.response, manager = json_reply({"detail": detail}, 401), Numbered()
    client = retrying_client(server.url, auth=manager)
    error = failure(AuthenticationError, WRITE.call(client))
    assert f"{detail.rstrip('.')}. Sign in again" in str(error)
    assert (len(server.received), manager.number) == (2, 1)


def test_a_401_from_a_gateway_is_about_the_token(server: Server) -> None:
    page = b"<title>You are not authorised: no role</title>"
    server.response, manager = Script(reply(page, "text/html", 401), WRITE.reply), Numbered()
    run(WRITE.call(retrying_client(server.url, auth=manager)))
    assert manager.number == 1


_ROLE = "You are not authorised to access this resource as you don't have the correct role."


@pytest.mark.parametrize("challenge", [{}, {"WWW-Authenticate": "Bearer"}], ids=["", "challenge"])
@pytest.mark.parametrize(
    ("detail", "advice"),
    [
        (_ROLE, "This needs a token with the roles "),
        (f"{_DENIED}{_ROLE}", "This needs a token with the roles "),
        (f"{_DENIED}You are not authorised to fetch this item.", "Ask its owner"),
        ("Not authorised to view this record.", "Ask its owner"),
        ("Batch contains items which you do not own. Not authorised.", "Ask its owner"),
    ],
)
def test_a_401_about_a_role_or_an_item_does_not_renew_the_token(
    detail: str, advice: str, challenge: dict[str, str], server: Server
) -> None:
    server.response, manager = json_reply({"detail": detail}, 401, challenge), Numbered()
    client = retrying_client(server.url, auth=manager)
    error = failure(PermissionDeniedError, WRITE.call(client))
    assert f"{detail} {advice}" in str(error)
    assert "Sign in" not in str(error)
    assert (len(server.received), manager.number) == (1, 0)


def test_a_token_function_is_called_again_after_a_rejection(server: Server) -> None:
    server.response = accepting(1)
    auth = BearerToken(lambda: f"{TOKEN}-{len(server.received)}")
    run(retrying_client(server.url, auth=auth).explore_upstream("1"))
    assert len(server.received) == 2


@pytest.mark.parametrize("error", [CredentialsError("signed out"), RuntimeError(f"no {TOKEN}")])
def test_a_failed_renewal_is_a_credentials_error(error: Exception, server: Server) -> None:
    server.response = UNAUTHORIZED
    client = retrying_client(server.url, auth=Numbered(error=error))
    raised = failure(CredentialsError, client.explore_upstream("1"))
    assert raised.operation == "explore_upstream"
    assert ("signed out" if isinstance(error, CredentialsError) else "RuntimeError") in str(raised)
    assert TOKEN not in str(raised)
    assert len(server.received) == 1


async def tick(times: int) -> None:
    """Use the event loop and its default executor, which other code shares."""
    for _ in range(times):
        await asyncio.to_thread(int)
        await asyncio.sleep(0)


@ASYNC_ONLY
def test_fifty_rejected_calls_renew_the_token_once_without_blocking_the_loop(
    server: Server,
) -> None:
    ticked = threading.Event()

    class Waiting(Numbered):
        def force_refresh(self) -> None:
            assert ticked.wait(20), "the auth manager blocks the loop or its executor"
            super().force_refresh()

    server.response, manager = accepting(1), Waiting()

    async def work() -> None:
        async with retrying_client(server.url, auth=manager) as client:
            calls = [asyncio.create_task(client.explore_upstream("1")) for _ in range(50)]
            while len(server.received) < 50:
                await tick(1)
            await tick(20)
            ticked.set()
            assert [lineage.record_count for lineage in await asyncio.gather(*calls)] == [1] * 50

    run(work())
    assert manager.number == 1
    assert len(server.received) <= 100


@ASYNC_ONLY
def test_a_blocking_auth_manager_does_not_use_the_executor_of_the_loop(server: Server) -> None:
    ticked = threading.Event()

    class Waiting(Numbered):
        def get_token(self) -> str:
            assert ticked.wait(20), "the auth manager blocks the executor of the loop"
            return super().get_token()

    server.response = LINEAGE_REPLY

    async def work() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(3))
        async with retrying_client(server.url, auth=Waiting()) as client:
            calls = [asyncio.create_task(client.explore_upstream("1")) for _ in range(20)]
            await asyncio.sleep(0.05)
            await tick(20)
            ticked.set()
            await asyncio.gather(*calls)

    run(work())


def test_threads_share_one_renewal(server: Server) -> None:
    server.response, manager = accepting(1), Numbered(delay=0.3)
    client, found = retrying_client(server.url, auth=manager), list[int | None]()

    async def work() -> None:
        calls = (client.explore_upstream("1") for _ in range(10))
        found.extend(lineage.record_count for lineage in await asyncio.gather(*calls))

    threads = [threading.Thread(target=run, args=(work(),)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [1] * 50
    assert manager.number == 1


@ASYNC_ONLY
def test_cancelling_a_call_during_a_renewal_does_not_affect_others(server: Server) -> None:
    server.response, manager = accepting(1), Numbered(delay=0.3)

    async def work() -> None:
        async with retrying_client(server.url, auth=manager) as client:
            tasks = [asyncio.create_task(client.explore_upstream("1")) for _ in range(6)]
            await asyncio.sleep(0.15)
            tasks[0].cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(done[0], asyncio.CancelledError)
        assert not any(isinstance(outcome, BaseException) for outcome in done[1:])

    run(work())
    assert manager.number == 1
