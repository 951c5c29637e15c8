"""Obtains the credentials of a call from an auth manager of any class."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import httpx

from prov_facade._runtime.aio.concurrency import Awaited, run_in_daemon_thread
from prov_facade._runtime.aio.limiter import Limiter
from prov_facade._runtime.fork import ForkSafeLock
from prov_facade.auth import AuthManager, BearerAuth, BearerToken, SupportsAuth, bearer_token
from prov_facade.errors import CredentialsError

# The maximum number of threads of an event loop that wait for an auth manager. A loop has at least
# five, and name lookups and other tasks need some of them.
_MAX_THREADS = 2


class Authentication:
    """Asks an auth manager for the credentials of each call.

    Args:
        manager: The auth manager. It may block: it is called in a thread.
    """

    def __init__(self, manager: SupportsAuth) -> None:
        self._manager = manager
        self._limiter = Limiter(_MAX_THREADS)

    async def current(self) -> httpx.Auth:
        """Return an object that adds the token to a request.

        Raises:
            CredentialsError: If there is no token.
        """
        manager = self._manager
        if isinstance(manager, BearerToken) and manager.is_async:
            try:
                return BearerAuth(await manager.fetch_token())
            except CredentialsError as error:
                # A copy: the function may raise one error for several calls.
                raise error.copy() from error.__cause__ or error
        if isinstance(manager, AuthManager) and manager.cached_token() is not None:
            return _get_auth(manager)
        async with self._limiter.slot():
            return await run_in_daemon_thread(_get_auth, manager)

    async def send(
        self,
        send: Callable[[httpx.Request], Awaited[httpx.Response]],
        request: httpx.Request,
        auth: httpx.Auth,
    ) -> httpx.Response:
        """Send a request with credentials, as often as the authentication requires.

        Args:
            send: Sends a request once.
            request: The request.
            auth: The object that :meth:`current` returned.

        Raises:
            CredentialsError: If the credentials fail.
        """
        if type(auth) is BearerAuth:
            return await send(next(auth.auth_flow(request)))
        timeout = request.extensions["timeout"]
        flow = auth.async_auth_flow(request)
        try:
            request = await self._step(lambda: anext(flow))
            while True:
                request.extensions.setdefault("timeout", timeout)  # the flow may have created it
                response = await send(request)
                try:
                    if auth.requires_response_body:
                        await response.aread()
                    request = await self._step(partial(flow.asend, response))
                    await response.aread()  # so that the connection can be reused
                except StopAsyncIteration:
                    return response
                except BaseException:
                    await response.aclose()
                    raise
        finally:
            await flow.aclose()

    async def _step(self, step: Callable[[], Awaited[httpx.Request]]) -> httpx.Request:
        try:
            return await step()
        except StopAsyncIteration:
            raise
        except CredentialsError as error:
            raise error.copy() from error.__cause__ or error
        except Exception as error:
            raise _credentials_error(self._manager, error) from error


def _get_auth(manager: SupportsAuth) -> httpx.Auth:
    try:
        auth = manager.get_auth()
    except CredentialsError as error:
        raise error.copy() from error.__cause__ or error
    except Exception as error:
        raise _credentials_error(manager, error) from error
    if not isinstance(auth, httpx.Auth):
        raise CredentialsError(
            f"get_auth of the auth manager {type(manager).__name__} must return an httpx.Auth, not"
            f" {type(auth).__name__}"
        )
    return auth


def _credentials_error(manager: SupportsAuth, error: Exception) -> CredentialsError:
    # Only the type of the error: its text may contain a token.
    return CredentialsError(
        f"the auth manager {type(manager).__name__} failed with {type(error).__name__}"
    )


class TokenRefresher:
    """Refreshes the token of an auth manager when the server rejects it.

    Args:
        manager: The auth manager. It may block: it is called in a thread.
    """

    def __init__(self, manager: SupportsAuth) -> None:
        self._manager = manager
        self._lock = ForkSafeLock()
        # One thread per event loop, so that calls waiting for the lock leave other threads free.
        self._limiter = Limiter(1)

    async def refresh(self, rejected: str) -> bool:
        """Return whether a token other than the rejected one is available, refreshing it if needed.

        Args:
            rejected: The ``Authorization`` header of the request that was rejected.

        Raises:
            CredentialsError: If the auth manager fails.
        """
        if type(self._manager) is BearerToken:  # a subclass may refresh in its own way
            return not self._manager.is_fixed  # a function is called for each request anyway
        async with self._limiter.slot():
            await run_in_daemon_thread(self._refresh, rejected)
        return True

    def _refresh(self, rejected: str) -> None:
        # If many calls are rejected at once, the first one refreshes the token for all of them.
        with self._lock:
            try:
                # Without the scheme: some managers write "bearer".
                if rejected.rpartition(" ")[2] == bearer_token(self._manager.get_token()):
                    self._manager.force_refresh()
            except CredentialsError as error:
                raise error.copy() from error.__cause__ or error
            except Exception as error:
                raise _credentials_error(self._manager, error) from error
