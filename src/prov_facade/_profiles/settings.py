"""The settings from one source: the arguments, the environment, or a profile."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any, TypedDict

from attrs import field, frozen

from prov_facade._checks import NOT_UTF_8, is_utf_8
from prov_facade._token_text import clean_token
from prov_facade.config import APIOverrides
from prov_facade.errors import ConfigError

VARIABLES = {
    "domain": "PROV_DOMAIN",
    "realm": "PROV_REALM",
    "client_id": "PROV_CLIENT_ID",
    "token": "PROV_TOKEN",
    "offline_token": "PROV_OFFLINE_TOKEN",
    "client_secret": "PROV_CLIENT_SECRET",
}
"""The environment variable of each setting."""

SECRETS = ("token", "offline_token", "client_secret")
"""The settings that are secret."""

TEXTS = ("domain", "realm", "client_id", "scope", "offline_token_file", *SECRETS)
"""The settings that are strings."""

_ENVIRONMENT = "the environment"
_TOKENS = {"token": "an access token", "offline_token": "an offline token"}


class ConnectSettings(TypedDict, total=False):
    """The keyword arguments of :func:`~prov_facade.connect`, without those of the client."""

    domain: str | None
    realm: str | None
    client_id: str | None
    token: str | Callable[[], str] | Callable[[], Awaitable[str]] | None
    offline_token: str | None
    offline_token_file: str | os.PathLike[str] | None
    client_secret: str | None
    api_overrides: APIOverrides | None
    scope: str | None
    config_file: str | os.PathLike[str] | None


# Repeats the keys of ConnectSettings, since type checkers know only those that are written out; a
# test compares them.
@frozen(kw_only=True)
class Settings:
    """The settings from one source; ``None`` for those that are not set.

    Attributes:
        where: The name of the source, for messages.

    Raises:
        ConfigError: If a setting cannot be used. The message contains no values.
    """

    where: str
    domain: str | None = None
    realm: str | None = None
    client_id: str | None = None
    scope: str | None = None
    token: str | Callable[[], str] | Callable[[], Awaitable[str]] | None = field(
        default=None, repr=False
    )
    offline_token: str | None = field(default=None, repr=False)
    offline_token_file: str | os.PathLike[str] | None = None
    client_secret: str | None = field(default=None, repr=False)
    api_overrides: APIOverrides | None = None

    def __attrs_post_init__(self) -> None:
        for name in TEXTS:
            self._check_text(name, getattr(self, name))
        overrides: object = self.api_overrides
        if overrides is not None and not isinstance(overrides, APIOverrides):
            raise ConfigError(f"{self.where}: api_overrides must be an APIOverrides")
        if self.offline_token is not None and self.offline_token_file is not None:
            raise ConfigError(f"{self.where}: give offline_token or offline_token_file, not both")

    def _check_text(self, name: str, value: object) -> None:
        if value is None or (name == "token" and callable(value)):
            return
        types = (str, os.PathLike) if name == "offline_token_file" else str
        if not isinstance(value, types):
            raise ConfigError(f"{self.where}: {name} must be a str, not {type(value).__name__}")
        if not value:
            raise ConfigError(f"{self.where}: {name} is empty; leave it out")
        # The name of a file may contain any bytes.
        if name != "offline_token_file" and not is_utf_8(str(value)):
            raise ConfigError(f"{self._label(name)} {NOT_UTF_8}")

    def _label(self, name: str) -> str:
        return f"{self.where}: {VARIABLES[name] if self.where == _ENVIRONMENT else name}"

    def clean(self, name: str, value: str) -> str:
        """Return a token without what is certainly not part of it.

        Args:
            name: ``"token"`` or ``"offline_token"``.
            value: The setting of that name.

        Raises:
            ConfigError: If the rest cannot be a token.
        """
        try:
            return clean_token(value)
        except ValueError as error:
            raise ConfigError(
                f"{self._label(name)} must be {_TOKENS[name]}, but it {error}"
            ) from None

    @property
    def has_credential(self) -> bool:
        """Whether the source has a credential to sign in with."""
        credentials = (*SECRETS, "offline_token_file")
        return any(getattr(self, name) is not None for name in credentials)


def variable(name: str) -> str | None:
    """Return an environment variable; ``None`` if it is empty or not set."""
    return os.environ.get(name) or None


def from_environment() -> Settings:
    """Return the settings from the environment variables."""
    values: dict[str, Any] = {name: variable(VARIABLES[name]) for name in VARIABLES}
    return Settings(where=_ENVIRONMENT, **values)
