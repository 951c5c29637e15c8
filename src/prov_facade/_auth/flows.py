"""The ways to sign in, but for the device's."""

from __future__ import annotations

import os
from pathlib import Path

from prov_facade._auth.manager import INVALID_GRANT, OAuthManager, RejectedToken, digest
from prov_facade._auth.token_cache import CacheLike
from prov_facade._auth.token_endpoint import Verify
from prov_facade._auth.tokens import Tokens
from prov_facade.config import Config
from prov_facade.errors import ConfigError, CredentialsError

OFFLINE_TOKEN = "PROV_OFFLINE_TOKEN"  # noqa: S105  (the name of a variable)


class OfflineFlow(OAuthManager):
    """Signs in with an offline token, without anybody being there: for HPC and CI jobs.

    An offline token is a refresh token that stays good for weeks, and when its user signs out;
    :meth:`DeviceFlow.save_offline_token` gets one. It is taken from ``offline_token``, from the
    file, or else from the environment variable ``PROV_OFFLINE_TOKEN``, when the first token is
    needed. A realm may replace it by a new one each time it is used; the new one is then kept in
    the cache, for the next process to find.

    Args:
        config: The deployment.
        client_id: The client that the token was issued to.
        offline_token: The token.
        offline_token_file: A file that holds it, and nothing else.
        client_secret: The client's secret, if it has one.
        scope: Some of the words of the token's scope, with spaces between; ``None`` for all.
        cache: Where renewed tokens are kept: ``"file"`` for a file that only its owner can read, in
            the user's state directory, a ``pathlib.Path`` for another directory, ``"keyring"`` for
            the keyring of the system, ``None`` for nowhere.
        timeout: How many seconds the realm may take for each step of an answer.
        verify: The path of a CA bundle or an ``ssl.SSLContext``, as for
            :class:`~prov_facade.ProvClient`.

    Raises:
        ConfigError: If an argument cannot be used.

    Examples:
        >>> auth = OfflineFlow(config, "batch", offline_token_file="~/.secrets/provena")
    """

    _flow = "offline"

    def __init__(
        self,
        config: Config,
        client_id: str,
        *,
        offline_token: str | None = None,
        offline_token_file: str | os.PathLike[str] | None = None,
        client_secret: str | None = None,
        scope: str | None = None,
        cache: CacheLike = "file",
        timeout: float = 30,
        verify: Verify = None,
    ) -> None:
        if offline_token is not None and offline_token_file is not None:
            raise ConfigError("give offline_token or offline_token_file, not both")
        if offline_token is not None and (
            not isinstance(offline_token, str) or not offline_token.strip()
        ):
            raise ConfigError("offline_token must be a str that is not empty")
        given = (offline_token, offline_token_file, os.environ.get(OFFLINE_TOKEN) or None)
        if given == (None, None, None):
            raise ConfigError(
                "there is no offline token: give offline_token or offline_token_file, or set"
                f" {OFFLINE_TOKEN}"
            )
        self._offline_token = offline_token
        try:
            self._file = (
                None if offline_token_file is None else Path(offline_token_file).expanduser()
            )
        except RuntimeError as error:
            raise ConfigError(f"offline_token_file cannot be found: {error}") from error
        super().__init__(
            config,
            client_id,
            client_secret=client_secret,
            scope=scope,
            cache=cache,
            timeout=timeout,
            verify=verify,
        )

    def _given_token(self) -> str:
        if self._offline_token is not None:
            return self._offline_token.strip()
        if self._file is None:
            token = os.environ.get(OFFLINE_TOKEN, "").strip()
            if not token:
                raise CredentialsError(
                    f"there is no offline token: {OFFLINE_TOKEN} is not set any more"
                )
            return token
        try:
            token = self._file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise CredentialsError(
                f"the offline token in {self._file} cannot be read: {reason}"
            ) from None
        if not token or len(token.split()) > 1:
            raise CredentialsError(f"{self._file} must hold an offline token and nothing else")
        return token

    def _given_origin(self) -> str | None:
        try:
            return digest(self._given_token())
        except CredentialsError:
            # In a long run, the file may have gone. There are tokens that were had for it.
            if self._origin is None:
                raise
            return self._origin

    def _given(self) -> tuple[str, ...]:
        return (self._given_token(),)

    def _scope_of_refresh(self) -> str | None:
        return self._scope

    def _obtain(self, spent: RejectedToken | None) -> Tokens:
        token = self._given_token()
        try:
            if spent is not None and spent.token == token:
                raise spent.error
            return self._realm.refreshed(token, self._scope)
        except CredentialsError as error:
            if error.error != INVALID_GRANT:
                raise
            raise CredentialsError(
                f"{error}. The offline token is good no more, or not for this client: get a new one"
                " where there is a browser, with DeviceFlow(...).save_offline_token(path)",
                error=error.error,
                error_description=error.error_description,
            ) from error


class ClientCredentials(OAuthManager):
    """Signs in as a client of its own account, with its secret: for services.

    Tokens are held in memory; with the secret at hand there is nothing to keep.

    Args:
        config: The deployment.
        client_id: The client. The realm must have given it an account with the roles it needs.
        client_secret: Its secret.
        scope: What the tokens shall be good for, words with spaces between; ``None`` for what the
            realm gives by itself.
        timeout: How many seconds the realm may take for each step of an answer.
        verify: The path of a CA bundle or an ``ssl.SSLContext``, as for
            :class:`~prov_facade.ProvClient`.

    Raises:
        ConfigError: If an argument cannot be used.
    """

    _flow = "client"

    def __init__(
        self,
        config: Config,
        client_id: str,
        client_secret: str,
        *,
        scope: str | None = None,
        timeout: float = 30,
        verify: Verify = None,
    ) -> None:
        if client_secret is None:
            raise ConfigError("client_secret must be a str that is not empty")
        super().__init__(
            config,
            client_id,
            client_secret=client_secret,
            scope=scope,
            cache=None,
            timeout=timeout,
            verify=verify,
        )

    def _obtain(self, spent: RejectedToken | None) -> Tokens:  # noqa: ARG002
        return self._realm.for_client(self._scope)
