"""Where tokens come from."""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from typing import Protocol, runtime_checkable

import httpx

from prov_facade.errors import CredentialsError

# RFC 6750 allows fewer characters; what matters is that a header can carry them.
_TOKEN = re.compile(r"[\x21-\x7e]+")


def is_token(value: object) -> bool:
    """Say whether something is a token that a header can carry."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


@runtime_checkable
class SupportsAuth(Protocol):
    """What the client needs of an auth manager, whatever its class.

    An object of another library with these methods, such as provenaclient's ``DeviceFlow``, serves
    as well as an :class:`AuthManager`.
    """

    def get_token(self) -> str:
        """Return a token that is valid now."""
        ...

    def force_refresh(self) -> None:
        """Get a new token, even if the present one has not run out."""
        ...

    def get_auth(self) -> httpx.Auth:
        """Return what puts the token on a request."""
        ...


class AuthManager(ABC):
    """The base of auth managers: objects that get tokens and renew them.

    A subclass says how to get a token (:meth:`get_token`) and how to get a new one
    (:meth:`force_refresh`).
    """

    @abstractmethod
    def get_token(self) -> str:
        """Return a token that is valid now.

        Raises:
            CredentialsError: If no token can be had.
        """

    @abstractmethod
    def force_refresh(self) -> None:
        """Get a new token, even if the present one has not run out.

        Raises:
            CredentialsError: If no new token can be had.
        """

    def get_auth(self) -> httpx.Auth:
        """Return what puts the token on a request.

        Raises:
            CredentialsError: If no token can be had, or if it cannot stand in a header.
        """
        return BearerAuth(self.get_token())


class BearerAuth(httpx.Auth):
    """Puts a bearer token on a request.

    Args:
        token: The token.

    Raises:
        CredentialsError: If the token is empty or has characters that no token has.
    """

    def __init__(self, token: str) -> None:
        given: object = token
        if inspect.iscoroutine(given):
            given.close()  # nobody will await it
            raise CredentialsError(
                "the token's function must not be async: it is called in a thread"
            )
        if not isinstance(given, str):
            raise CredentialsError(
                "the auth manager gave something that is not a bearer token: a"
                f" {type(token).__name__} instead of a str"
            )
        if not _TOKEN.fullmatch(token.strip()):
            raise CredentialsError(
                "the auth manager gave something that is not a bearer token: it is empty, or has"
                " characters that a header cannot carry, such as a space or a line break"
            )
        self._header = f"Bearer {token.strip()}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Set the header, once."""
        request.headers["Authorization"] = self._header
        yield request


class BearerToken(AuthManager):
    """A token that is at hand, or a function that gets one.

    Args:
        token: The token, or a function without arguments that returns one. The function is called
            for every request and decides for itself when to fetch a new token.

    Examples:
        >>> auth = BearerToken(lambda: os.environ["PROV_TOKEN"])
    """

    def __init__(self, token: str | Callable[[], str]) -> None:
        self._token = token

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'<function>' if callable(self._token) else '<token>'})"

    @property
    def is_fixed(self) -> bool:
        """Whether the token is at hand, rather than fetched by a function."""
        return not callable(self._token)

    def get_token(self) -> str:
        """Return the token.

        Raises:
            CredentialsError: If the function fails.
        """
        if not callable(self._token):
            return self._token
        try:
            return self._token()
        except CredentialsError:
            raise
        except Exception as error:
            raise CredentialsError(
                f"the function that gets the token failed with {type(error).__name__}"
            ) from error

    def force_refresh(self) -> None:
        """Do nothing for a function, which is asked each time anyway.

        Raises:
            CredentialsError: If the token is a fixed one.
        """
        if not callable(self._token):
            raise CredentialsError(
                "a fixed token cannot be renewed: make a BearerToken with a new one, or with a"
                " function that returns the current one"
            )
