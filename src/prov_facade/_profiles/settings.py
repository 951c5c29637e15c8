"""What one source says about the deployment and about how to sign in."""

from __future__ import annotations

import os
from collections.abc import Callable

from attrs import field, frozen

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
"""The environment variables, by what they say."""

SECRETS = ("token", "offline_token", "client_secret")
"""What nobody else may read."""

_TEXTS = ("domain", "realm", "client_id", "scope", "offline_token_file", *SECRETS)


@frozen(kw_only=True)
class Settings:
    """What one source says; ``None`` where it says nothing.

    Attributes:
        where: What people call the source, for messages.

    Raises:
        ConfigError: If one of them cannot be used. The message shows no value.
    """

    where: str
    domain: str | None = None
    realm: str | None = None
    client_id: str | None = None
    scope: str | None = None
    token: str | Callable[[], str] | None = field(default=None, repr=False)
    offline_token: str | None = field(default=None, repr=False)
    offline_token_file: str | os.PathLike[str] | None = None
    client_secret: str | None = field(default=None, repr=False)
    api_overrides: APIOverrides | None = None

    def __attrs_post_init__(self) -> None:
        for name in _TEXTS:
            self._check_text(name, getattr(self, name))
        overrides: object = self.api_overrides
        if overrides is not None and not isinstance(overrides, APIOverrides):
            raise ConfigError(f"{self.where}: api_overrides must be an APIOverrides")
        if self.offline_token is not None and self.offline_token_file is not None:
            raise ConfigError(f"{self.where}: give offline_token or offline_token_file, not both")

    def _check_text(self, name: str, value: object) -> None:
        if value is None or (name == "token" and callable(value)):
            return
        kinds = (str, os.PathLike) if name == "offline_token_file" else str
        if not isinstance(value, kinds):
            raise ConfigError(f"{self.where}: {name} must be a str, not {type(value).__name__}")
        if not value:
            raise ConfigError(f"{self.where}: {name} is empty; leave it out")

    @property
    def has_credential(self) -> bool:
        """Whether it says how to sign in."""
        given = (self.token, self.offline_token, self.offline_token_file, self.client_secret)
        return any(credential is not None for credential in given)


def variable(name: str) -> str | None:
    """Read an environment variable; one that is empty counts as not set."""
    return os.environ.get(name) or None


def from_environment() -> Settings:
    """Return what the environment variables say."""
    return Settings(
        where="the environment",
        domain=variable(VARIABLES["domain"]),
        realm=variable(VARIABLES["realm"]),
        client_id=variable(VARIABLES["client_id"]),
        token=variable(VARIABLES["token"]),
        offline_token=variable(VARIABLES["offline_token"]),
        client_secret=variable(VARIABLES["client_secret"]),
    )
