"""The flows without user interaction: with an offline token, or with a client secret."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from attrs import define, field

from prov_facade._auth.manager import INVALID_GRANT, OAuthManager, RejectedToken, digest
from prov_facade._auth.token_cache import CacheLike
from prov_facade._auth.tokens import Tokens
from prov_facade._files.private import exposure
from prov_facade._token_text import clean_token, decode_token
from prov_facade.errors import ConfigError, CredentialsError

_VARIABLE = "PROV_OFFLINE_TOKEN"


@define(slots=False, eq=False, repr=False)
class OfflineFlow(OAuthManager):
    """Signs in with an offline token, without user interaction: for HPC and CI jobs.

    An offline token is a refresh token that stays valid for weeks, even after its user signs out;
    :meth:`DeviceFlow.save_offline_token` obtains one. It is read from ``offline_token``, from the
    file, or else from the environment variable ``PROV_OFFLINE_TOKEN``, when the first token is
    needed. What is certainly not part of it is removed, such as quotes, a byte order mark or the
    name of a variable. A realm may replace the token each time it is used; the new one is then
    stored in the cache, where the next process finds it.

    Args:
        config: The deployment.
        client_id: The client that the token was issued to.
        offline_token: The token.
        offline_token_file: A file that holds the token and nothing else, in UTF-8 or UTF-16. Only
            its owner may have access to it.
        client_secret: The client's secret, if it has one.
        scope: A part of the token's scope, as words separated by spaces; ``None`` for all of it.
        cache: Where refreshed tokens are stored: ``"file"`` for a file in the user's state
            directory that only its owner can read, a ``pathlib.Path`` for another directory,
            ``"keyring"`` for the system's keyring, ``None`` for no cache.
        timeout: The timeout for connecting to the realm, and for each read and write, in seconds.
        verify: The path of a CA bundle or an ``ssl.SSLContext``, as for
            :class:`~prov_facade.ProvClient`.
        proxy: The proxy, instead of the proxies from the environment, as for
            :class:`~prov_facade.ProvClient`.

    Raises:
        ConfigError: If an argument is invalid.

    Examples:
        >>> auth = OfflineFlow(config, "batch", offline_token_file="~/.secrets/provena")
    """

    _flow: ClassVar[str] = "offline"

    _offline_token: str | None = field(default=None, kw_only=True)
    _offline_token_file: str | os.PathLike[str] | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        token: object = self._offline_token
        if token is not None and self._offline_token_file is not None:
            raise ConfigError("give offline_token or offline_token_file, not both")
        if token is not None:
            if not isinstance(token, str):
                raise ConfigError(f"offline_token must be a str, not {type(token).__name__}")
            try:
                self._offline_token = clean_token(token)
            except ValueError as error:
                raise ConfigError(
                    f"offline_token must be an offline token, but it {error}"
                ) from None
        if token is None and self._offline_token_file is None and not os.environ.get(_VARIABLE):
            raise ConfigError(
                f"no offline token: give offline_token or offline_token_file, or set {_VARIABLE}"
            )
        if self._offline_token_file is not None:
            try:
                self._offline_token_file = Path(self._offline_token_file).expanduser()
            except RuntimeError as error:
                raise ConfigError(f"offline_token_file cannot be located: {error}") from error
        super().__attrs_post_init__()

    def _supplied_token(self) -> str:
        if self._offline_token is not None:
            return self._offline_token
        if self._offline_token_file is not None:
            return _read_token(Path(self._offline_token_file))
        text = os.environ.get(_VARIABLE)
        if not text:
            raise CredentialsError(f"no offline token: {_VARIABLE} is no longer set")
        try:
            return clean_token(text)
        except ValueError as error:
            raise CredentialsError(
                f"{_VARIABLE} must be an offline token, but it {error}"
            ) from None

    def _supplied_digest(self) -> str | None:
        try:
            return digest(self._supplied_token())
        except CredentialsError:
            # The file may disappear during a long run. The tokens obtained with it stay usable.
            if self._source is None:
                raise
            return self._source

    def _supplied_tokens(self) -> tuple[str, ...]:
        return (self._supplied_token(),)

    def _refresh_scope(self) -> str | None:
        return self._scope

    def _sign_in(self, rejected: RejectedToken | None) -> Tokens:
        token = self._supplied_token()
        try:
            if rejected is not None and rejected.token == token:
                raise rejected.error
            return self._realm.refresh(token, self._scope)
        except CredentialsError as error:
            if error.error != INVALID_GRANT:
                raise
            raise CredentialsError(
                f"{error}. The offline token has expired or was revoked, or belongs to another"
                " client: get a new one where a browser is available, with"
                " DeviceFlow(...).save_offline_token(path)",
                error=error.error,
                error_description=error.error_description,
            ) from error


def _read_token(path: Path) -> str:
    try:
        with path.open("rb") as file:
            fault = exposure(path, os.fstat(file.fileno()).st_mode)
            content = file.read()
    except (OSError, ValueError) as error:  # ValueError: it is not a path
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise CredentialsError(f"cannot read the offline token in {path}: {reason}") from None
    if fault is not None:
        raise CredentialsError(f"{path} contains an offline token, {fault}")
    try:
        return clean_token(decode_token(content))
    except ValueError as error:
        raise CredentialsError(
            f"{path} must contain an offline token and nothing else, but it {error}"
        ) from None


@define(slots=False, eq=False, repr=False)
class ClientCredentials(OAuthManager):
    """Signs in as a client that has its own account, with its secret: for services.

    Tokens are held in memory: with the secret, a cache is not needed.

    Args:
        config: The deployment.
        client_id: The client. In the realm, its account must have the roles it needs.
        client_secret: Its secret.
        scope: The scope to request, as words separated by spaces; ``None`` for the realm's default.
        timeout: The timeout for connecting to the realm, and for each read and write, in seconds.
        verify: The path of a CA bundle or an ``ssl.SSLContext``, as for
            :class:`~prov_facade.ProvClient`.
        proxy: The proxy, instead of the proxies from the environment, as for
            :class:`~prov_facade.ProvClient`.

    Raises:
        ConfigError: If an argument is invalid.
    """

    _flow: ClassVar[str] = "client"

    _client_secret: str
    _cache: CacheLike = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        if self._client_secret is None:
            raise ConfigError("client_secret must be a str that is not empty")
        super().__attrs_post_init__()

    def _sign_in(self, rejected: RejectedToken | None) -> Tokens:  # noqa: ARG002
        return self._realm.client_tokens(self._scope)
