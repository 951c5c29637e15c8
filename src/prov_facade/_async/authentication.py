"""Gets the credentials of a call from an auth manager, whatever its class."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Any, TypeVar

import httpx

from prov_facade._auth.manager import OAuthManager
from prov_facade._runtime.aio.concurrency import Awaited, run_in_daemon_thread
from prov_facade._runtime.aio.limiter import Limiter
from prov_facade.auth import BearerAuth, BearerToken, SupportsAuth
from prov_facade.errors import Call, CredentialsError

T = TypeVar("T")


class TokenRefresher:
    """Has an auth manager get a new token when the server refuses the one that it gave.

    Args:
        manager: The auth manager. It may block: it is asked in a thread.
    """

    def __init__(self, manager: SupportsAuth) -> None:
        self._manager = manager
        self._lock, self._process = threading.Lock(), os.getpid()
        # One thread for the calls of a loop: those that wait for the lock would take all the
        # threads that the loop has, and leave none to look up names, or to other tasks.
        self._turns = Limiter(1)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._manager,)

    async def renewed(self, refused: str, call: Call) -> bool:
        """Say whether there is another token than one that was refused, a new one if need be.

        Args:
            refused: The ``Authorization`` header of the request that was refused.
            call: What an error says about the call.

        Raises:
            CredentialsError: If the auth manager fails.
        """
        if isinstance(self._manager, BearerToken) and self._manager.is_fixed:
            return False
        async with self._turns.turn():
            await run_in_daemon_thread(self._renew, refused, call)
        return True

    def _renew(self, refused: str, call: Call) -> None:
        if self._process != os.getpid():
            # After a fork, nobody is there who would give the lock back.
            self._lock, self._process = threading.Lock(), os.getpid()
        # Of many calls that are refused at once, the first gets a new token, for all of them.
        with self._lock:
            try:
                # Of any scheme: some managers write "bearer".
                if refused.rpartition(" ")[2] == self._manager.get_token().strip():
                    self._manager.force_refresh()
            except CredentialsError as error:
                raise error.during(call) from error
            except Exception as error:
                raise _failure(self._manager, call, error) from error


async def credentials(manager: SupportsAuth, call: Call, turns: Limiter) -> httpx.Auth:
    """Ask an auth manager for what puts the token on a request.

    Args:
        manager: The auth manager. It may block: it is asked in a thread.
        call: What an error says about the call.
        turns: Leaves threads to others.

    Returns:
        What puts the token on the request. Whatever fails in it is an ``CredentialsError``.

    Raises:
        CredentialsError: If there is no token.
    """
    if _has_token(manager):
        auth = _ask(manager, call)
    else:
        async with turns.turn():
            auth = await run_in_daemon_thread(_ask, manager, call)
    return auth if isinstance(auth, BearerAuth) else WrappedAuth(auth, manager, call)


def _has_token(manager: SupportsAuth) -> bool:
    """Say whether a manager has no need to block, as far as is known of it."""
    if isinstance(manager, BearerToken):
        return manager.is_fixed
    return isinstance(manager, OAuthManager) and manager.token_at_hand() is not None


def _ask(manager: SupportsAuth, call: Call) -> httpx.Auth:
    try:
        auth = manager.get_auth()
    except CredentialsError as error:
        raise error.during(call) from error
    except Exception as error:
        raise _failure(manager, call, error) from error
    if not isinstance(auth, httpx.Auth):
        raise CredentialsError(
            f"{call}: get_auth of the auth manager {type(manager).__name__} must return an"
            f" httpx.Auth, not {type(auth).__name__}",
            call=call,
        )
    return auth


def _failure(manager: SupportsAuth, call: Call, error: Exception) -> CredentialsError:
    # Only the kind of the error: its text may hold a token.
    return CredentialsError(
        f"{call}: the auth manager {type(manager).__name__} failed with {type(error).__name__}",
        call=call,
    )


class WrappedAuth(httpx.Auth):
    """Another library's credentials; what fails in them is our error."""

    def __init__(self, auth: httpx.Auth, manager: SupportsAuth, call: Call) -> None:
        self._auth = auth
        self._manager = manager
        self._call = call

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Run the flow of the credentials."""
        flow = self._auth.async_auth_flow(request)
        try:
            outgoing = await self._step(lambda: anext(flow))
            while True:
                response = yield outgoing
                outgoing = await self._step(partial(flow.asend, response))
        except StopAsyncIteration:
            return
        finally:
            await flow.aclose()

    async def _step(self, step: Callable[[], Awaited[T]]) -> T:
        try:
            return await step()
        except StopAsyncIteration:
            raise
        except Exception as error:
            raise _failure(self._manager, self._call, error) from error
