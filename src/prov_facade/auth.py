"""Auth managers, which provide tokens."""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import httpx

from prov_facade._checks import is_coroutine_function
from prov_facade._token_text import clean_token
from prov_facade.errors import CredentialsError

# RFC 6750 allows fewer characters; here they only need to be valid in a header.
_TOKEN = re.compile(r"[\x21-\x7e]+")

_ASYNC_FUNCTION = (
    "the token function returned a coroutine: ProvClient accepts coroutine functions (async def),"
    " SyncProvClient only plain ones"
)


def is_token(value: object) -> bool:
    """Return whether a value is a token that a header can contain."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def bearer_token(returned: object) -> str:
    """Return the token of an auth manager in the form in which it is sent.

    Args:
        returned: What the auth manager returned.

    Raises:
        CredentialsError: If it is not a token.
    """
    if inspect.iscoroutine(returned):
        returned.close()  # otherwise Python warns that it was not awaited
        raise CredentialsError(_ASYNC_FUNCTION)
    if not isinstance(returned, str):
        raise CredentialsError(
            "the auth manager returned an invalid token: it must be a str, not"
            f" {type(returned).__name__}"
        )
    try:
        return clean_token(returned)
    except ValueError as error:
        raise CredentialsError(f"the auth manager returned an invalid token: it {error}") from None


@runtime_checkable
class SupportsAuth(Protocol):
    """The methods that the clients require of an auth manager.

    An object from another library with these methods, such as the ``DeviceFlow`` of provenaclient,
    can be used like an :class:`AuthManager`.
    """

    def get_token(self) -> str:
        """Return a token that is valid now."""
        ...

    def force_refresh(self) -> None:
        """Get a new token, even if the current one has not expired."""
        ...

    def get_auth(self) -> httpx.Auth:
        """Return an object that adds the token to a request."""
        ...


class AuthManager(ABC):
    """The base class of auth managers, which obtain tokens and renew them.

    A subclass defines how to get a token (:meth:`get_token`) and how to get a new one
    (:meth:`force_refresh`).
    """

    @abstractmethod
    def get_token(self) -> str:
        """Return a token that is valid now.

        Raises:
            CredentialsError: If no token can be obtained.
        """

    @abstractmethod
    def force_refresh(self) -> None:
        """Get a new token, even if the current one has not expired.

        Raises:
            CredentialsError: If no new token can be obtained.
        """

    def cached_token(self) -> str | None:
        """Return a token without blocking, such as one in memory, or ``None`` if that may block.

        If it returns one, the asynchronous client does not need a thread. The default is ``None``.
        """
        return None

    def get_auth(self) -> httpx.Auth:
        """Return an object that adds the token to a request.

        Raises:
            CredentialsError: If no token can be obtained, or it is not valid in a header.
        """
        return BearerAuth(self.get_token())


class BearerAuth(httpx.Auth):
    """Adds a bearer token to a request.

    Args:
        token: The token. What is certainly not part of it is removed, such as quotes and line
            breaks around it.

    Raises:
        CredentialsError: If the token is empty or contains invalid characters.
    """

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {bearer_token(token)}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Set the header, and send the request once."""
        request.headers["Authorization"] = self._header
        yield request


class BearerToken(AuthManager):
    """A token, or a function that returns one.

    Args:
        token: The token, or a function without arguments that returns it. The function is called
            for every request and decides for itself when to fetch a new token. It may block: the
            asynchronous client calls it in a thread. For that client, it may also be a coroutine
            function, which is awaited.

    Examples:
        >>> auth = BearerToken(lambda: os.environ["PROV_TOKEN"])
    """

    def __init__(self, token: str | Callable[[], str] | Callable[[], Awaitable[str]]) -> None:
        self._token = token

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'<function>' if callable(self._token) else '<token>'})"

    @property
    def is_fixed(self) -> bool:
        """Whether the token is fixed, not returned by a function."""
        return not callable(self._token)

    @property
    def is_async(self) -> bool:
        """Whether the token is returned by a coroutine function."""
        return is_coroutine_function(self._token)

    def cached_token(self) -> str | None:
        """Return a fixed token; ``None`` if a function returns it."""
        return None if callable(self._token) else self._token

    def get_token(self) -> str:
        """Return the token.

        Raises:
            CredentialsError: If the function fails, or is a coroutine function.
        """
        if not callable(self._token):
            return self._token
        if self.is_async:
            raise CredentialsError(_ASYNC_FUNCTION)
        with _wrap_function_errors():
            return self._token()  # type: ignore[return-value]  # not a coroutine function

    async def fetch_token(self) -> str:
        """Return the token of a coroutine function.

        Raises:
            CredentialsError: If the function fails.
        """
        function: Any = self._token
        with _wrap_function_errors():
            token: str = await function()
        return token

    def force_refresh(self) -> None:
        """Do nothing for a function, which is called for every request anyway.

        Raises:
            CredentialsError: If the token is a fixed one.
        """
        if not callable(self._token):
            raise CredentialsError(
                "a fixed token cannot be renewed: make a BearerToken with a new one, or with a"
                " function that returns the current one"
            )


@contextmanager
def _wrap_function_errors() -> Iterator[None]:
    try:
        yield
    except CredentialsError:
        raise
    except Exception as error:
        raise CredentialsError(f"the token function failed with {type(error).__name__}") from error
