"""The device authorization grant, RFC 8628: a user approves the login in any browser."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import httpx
from attrs import define, evolve, field

from prov_facade._auth import prompt as terminal
from prov_facade._auth.manager import OAuthManager, RejectedToken
from prov_facade._auth.prompt import DeviceLogin
from prov_facade._auth.tokens import Tokens
from prov_facade._checks import check_bool, check_callback
from prov_facade._files.private import write_private
from prov_facade._http.connection_errors import certificate_fault
from prov_facade._http.transient import Retry, retry_for_status
from prov_facade._runtime.cancellation import hold, sleep
from prov_facade.config import check_address
from prov_facade.errors import ConfigError, CredentialsError

_SLOW_DOWN = 5.0  # RFC 8628, 3.5
_DEFAULT_INTERVAL = 5.0  # RFC 8628, 3.2
_MAX_BACKOFF = 60.0
_DEFAULT_LIFETIME = 600.0  # Keycloak's
_MAX_LIFETIME = 24 * 3600.0
_OFFLINE_SCOPE = "offline_access"


@define
class _PendingLogin:
    """A login that waits for a user's approval."""

    device_code: str = field(repr=False)
    login: DeviceLogin
    scope: str
    ends: float
    interval: float
    shown: bool = False


@define(slots=False, eq=False, repr=False)
class DeviceFlow(OAuthManager):
    """Signs in when a user approves the login in a browser, on this or any other machine.

    The page and its code are shown in the terminal or the notebook; if there is a display, a
    browser opens. Tokens are cached: the next process does not ask again until they can no longer
    be refreshed. In a batch job, where no user can be asked, cached tokens are used; if there
    are none, an error is raised: see :class:`OfflineFlow`.

    Args:
        config: The deployment.
        client_id: The client. In the realm, it must have the device authorization grant enabled.
        client_secret: Its secret, if it has one.
        scope: The scope to request, as words separated by spaces.
        prompt: A function that shows a :class:`DeviceLogin` to the user, instead of the terminal
            or the notebook: for applications with their own windows. Pickling drops it.
        interactive: Whether a user can be asked; ``None`` to detect it: in a notebook, and if
            standard error is a terminal.
        open_browser: Whether to open a browser; ``None`` to open one if there is a display.
        cache: Where tokens are stored: ``"file"`` for a file in the user's state directory that
            only its owner can read, a ``pathlib.Path`` for another directory, ``"keyring"`` for
            the system's keyring, ``None`` for no cache.
        timeout: The timeout for connecting to the realm, and for each read and write, in seconds.
        verify: The path of a CA bundle or an ``ssl.SSLContext``, as for
            :class:`~prov_facade.ProvClient`.
        proxy: The proxy, instead of the proxies from the environment, as for
            :class:`~prov_facade.ProvClient`.

    Raises:
        ConfigError: If an argument is invalid.

    Examples:
        >>> auth = DeviceFlow(Config("provena.example.org", "provena"), "notebooks")
    """

    _flow: ClassVar[str] = "device"
    _interactive_flow: ClassVar[bool] = True

    _scope: str = field(default="openid", kw_only=True)
    _prompt: Callable[[DeviceLogin], object] | None = field(default=None, kw_only=True)
    _interactive: bool | None = field(default=None, kw_only=True)
    _open_browser: bool | None = field(default=None, kw_only=True)

    _pending: _PendingLogin | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        if self._prompt is not None:
            check_callback("prompt", self._prompt)
        for name, value in (
            ("interactive", self._interactive),
            ("open_browser", self._open_browser),
        ):
            if value is not None:
                check_bool(name, value)
        super().__attrs_post_init__()

    def __getstate__(self) -> dict[str, Any]:
        # In another process, neither can reach the user of this one.
        return {**super().__getstate__(), "_pending": None, "_prompt": None}

    def save_offline_token(self, path: str | os.PathLike[str]) -> None:
        """Obtain an offline token, and write it to a file that only its owner can read.

        A user must approve it. The token is for :class:`OfflineFlow`, with the same client.

        Args:
            path: The file. An existing one is replaced; the directory must exist.

        Raises:
            CredentialsError: If the login is not approved, the realm issues no token, or the file
                cannot be written.
            ConfigError: If the directory does not exist or is not writable.
        """
        target = Path(path).expanduser()
        if not target.parent.is_dir():
            raise ConfigError(f"{target.parent} is not a directory")
        if not os.access(target.parent, os.W_OK):
            raise ConfigError(f"{target.parent} is not writable")
        words = {*(self._scope or "").split(), _OFFLINE_SCOPE}
        with hold(self._lock):
            tokens = self._login(" ".join(sorted(words)))
        # An empty scope is ignored: RFC 6749 does not allow it.
        denied = tokens.scope and _OFFLINE_SCOPE not in tokens.scope.split()
        if denied or tokens.refresh_token is None:
            raise CredentialsError(
                f"{self._realm.address} issued no offline token: an administrator of the realm can"
                f" allow the client {self._client_id!r} the scope {_OFFLINE_SCOPE}"
            ) from self._revoke(tokens)
        try:
            write_private(target, f"{tokens.refresh_token}\n".encode())
        except OSError as error:
            self._realm.revoke(tokens.refresh_token, "refresh_token")
            raise CredentialsError(
                f"could not write the offline token to {target} ({error.strerror}); it was revoked"
            ) from error

    def _revoke(self, tokens: Tokens) -> CredentialsError | None:
        """Revoke tokens that cannot be used, and return the error if that fails."""
        kind = "access_token" if tokens.refresh_token is None else "refresh_token"
        try:
            self._realm.revoke(tokens.refresh_token or tokens.access_token, kind)
        except CredentialsError as error:
            return error
        return None

    def _sign_in(self, rejected: RejectedToken | None) -> Tokens:
        return self._login(self._scope or "", rejected)

    def _login(self, scope: str, rejected: RejectedToken | None = None) -> Tokens:
        """Have a user approve a login. Resume a pending one whose caller gave up."""
        self._require_user(rejected)
        pending, self._pending = self._pending, None
        if pending is None or pending.ends <= time.monotonic() or pending.scope != scope:
            pending = self._start_login(scope)
        try:
            self._show(pending)
            return self._poll(pending)
        except CredentialsError:
            raise
        except BaseException:
            self._pending = pending
            raise

    def _require_user(self, rejected: RejectedToken | None) -> None:
        interactive = self._interactive
        if interactive is None:
            interactive = self._prompt is not None or terminal.is_interactive()
        if interactive:
            return
        code = rejected.error.error if rejected else None
        description = rejected.error.error_description if rejected else None
        cause = ": ".join(filter(None, (code, description)))
        raise CredentialsError(
            f"signing in to {self._realm.address} needs a user, but this is not a terminal or a"
            " notebook where one can be asked. In a batch job, use OfflineFlow with a token from"
            " DeviceFlow(...).save_offline_token(path), run where a browser is available. Or sign"
            " in beforehand with the same home directory. If a user reads standard error, set"
            f" interactive=True{f'. The cached token was rejected ({cause})' if cause else ''}",
            error=code,
            error_description=description,
        )

    def _start_login(self, scope: str) -> _PendingLogin:
        requested_at = time.monotonic()
        response = self._realm.authorize_device(scope)
        lifetime = min(response.expires_in or _DEFAULT_LIFETIME, _MAX_LIFETIME)
        complete = response.verification_uri_complete
        login = DeviceLogin(
            self._check_page(response.verification_uri),
            self._check_page(complete) if complete else None,
            "".join(c for c in response.user_code if c.isprintable()),
            lifetime,
        )
        interval = response.interval or _DEFAULT_INTERVAL
        return _PendingLogin(response.device_code, login, scope, requested_at + lifetime, interval)

    def _check_page(self, address: str) -> str:
        """Reject an address that is not a web page, but a file, a script, or control characters."""
        try:
            page = httpx.URL(address)
            check_address(
                "verification_uri",
                str(page.copy_with(query=None, fragment=None)),
                allow_http=self._config.api_overrides.allow_http,
            )
        except (ConfigError, httpx.InvalidURL) as error:
            raise CredentialsError(
                f"{self._realm.address} names a login page that cannot be opened: {error}"
            ) from None
        return str(page)

    def _show(self, pending: _PendingLogin) -> None:
        login = pending.login
        if pending.shown:
            login = evolve(login, expires_in=max(pending.ends - time.monotonic(), 0.0))
        if self._prompt is not None:
            self._prompt(login)
        else:
            # The browser is already open for a login that is shown again.
            terminal.show(login, False if pending.shown else self._open_browser)
        pending.shown = True

    def _poll(self, pending: _PendingLogin) -> Tokens:
        """Poll until the user decides, no more often than the realm allows."""
        while True:
            left = pending.ends - time.monotonic()
            if left <= 0:
                raise self._expired()
            sleep(min(pending.interval, left))
            try:
                return self._realm.device_tokens(pending.device_code)
            except CredentialsError as error:
                if error.error == "slow_down":
                    pending.interval += _SLOW_DOWN
                elif _is_transient(error):
                    longer = min(max(2 * pending.interval, 1.0), _MAX_BACKOFF)
                    pending.interval = max(pending.interval, longer)
                elif error.error == "expired_token":
                    raise self._expired(error) from error
                elif error.error == "access_denied":
                    raise CredentialsError(
                        f"the login at {self._realm.address} was denied",
                        error=error.error,
                        error_description=error.error_description,
                    ) from error
                elif error.error != "authorization_pending":
                    raise

    def _expired(self, error: CredentialsError | None = None) -> CredentialsError:
        return CredentialsError(
            f"nobody approved the login at {self._realm.address} in time: request a token again to"
            " get a new code",
            error=error.error if error else "expired_token",
            error_description=error.error_description if error else None,
        )


def _is_transient(error: CredentialsError) -> bool:
    if isinstance(error.__cause__, httpx.TransportError):
        return certificate_fault(error.__cause__) is None
    return retry_for_status(error.status_code) >= Retry.LATER
