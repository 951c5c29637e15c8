"""The device authorization grant, RFC 8628: a person approves the login in any browser."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from attrs import define

from prov_facade._oauth import cache as kept
from prov_facade._oauth import prompt as asking
from prov_facade._oauth.cache import CacheLike
from prov_facade._oauth.manager import OAuthManager
from prov_facade._oauth.patience import pause
from prov_facade._oauth.prompt import DeviceLogin
from prov_facade._oauth.realm import DeviceAnswer, Verify
from prov_facade._oauth.tokens import Tokens
from prov_facade.config import Config, check_address
from prov_facade.errors import AuthError, ConfigError

_SLOWER = 5.0  # RFC 8628, 3.5
_SLOWEST = 60.0
_OFFLINE = "offline_access"


@define
class _Pending:
    """A login that waits for somebody to approve it."""

    answer: DeviceAnswer
    login: DeviceLogin
    scope: str
    ends: float
    interval: float


class DeviceFlow(OAuthManager):
    """Signs in by having a person approve it in a browser, on this machine or on any other.

    The page and the code to enter there are shown in the terminal or the notebook; where there is a
    display, a browser opens. Tokens are kept, so that the next process need not ask again until
    they can be renewed no more. Where nobody is there to be asked, as in a batch job, tokens that
    were kept serve still, and otherwise there is an error: see :class:`OfflineFlow`.

    Args:
        config: The deployment.
        client_id: The client, which the realm must allow the device authorization grant.
        client_secret: Its secret, if it has one.
        scope: What the tokens shall be good for, words with spaces between.
        prompt: A function that shows a :class:`DeviceLogin` to the person, in place of the terminal
            or the notebook: for applications with windows of their own.
        interactive: Whether somebody is there to be asked; ``None`` to find out: in a notebook, and
            where the error output is a terminal.
        open_browser: Whether to open a browser; ``None`` if there is a display.
        cache: Where tokens are kept: ``"file"`` for a file that only its owner can read, in the
            user's state directory, a ``pathlib.Path`` for another directory, ``"keyring"`` for the
            keyring of the system, ``None`` for nowhere.
        timeout: How many seconds the realm may take for each step of an answer.
        verify: The path of a CA bundle or an ``ssl.SSLContext``, as for
            :class:`~prov_facade.ProvClient`.

    Raises:
        ConfigError: If an argument cannot be used.

    Examples:
        >>> auth = DeviceFlow(Config("provena.example.org", "provena"), "notebooks")
    """

    _flow = "device"

    def __init__(
        self,
        config: Config,
        client_id: str,
        *,
        client_secret: str | None = None,
        scope: str = "openid",
        prompt: Callable[[DeviceLogin], object] | None = None,
        interactive: bool | None = None,
        open_browser: bool | None = None,
        cache: CacheLike = "file",
        timeout: float = 30,
        verify: Verify = None,
    ) -> None:
        if not isinstance(scope, str):
            raise ConfigError("scope must be a str, words with spaces between")
        if prompt is not None and not callable(prompt):
            raise ConfigError("prompt must be a function")
        self._prompt = prompt
        self._interactive = interactive
        self._open_browser = open_browser
        self._pending: _Pending | None = None
        super().__init__(
            config,
            client_id,
            client_secret=client_secret,
            scope=scope,
            cache=cache,
            timeout=timeout,
            verify=verify,
        )

    def __getstate__(self) -> dict[str, object]:
        return {**super().__getstate__(), "_pending": None}

    def save_offline_token(self, path: str | os.PathLike[str]) -> None:
        """Get an offline token, and write it to a file that only its owner can read.

        A person has to approve it. It is for :class:`OfflineFlow`, with the same client.

        Args:
            path: The file. One that is there is replaced; the directory must be there.

        Raises:
            AuthError: If nobody approves it, the realm gives none, or the file cannot be written.
        """
        target = Path(path).expanduser()
        if not target.parent.is_dir():
            raise ConfigError(f"{target.parent} is no directory")
        words = {*(self._scope or "").split(), _OFFLINE}
        with self._turn.alone():
            tokens = self._sign_in(" ".join(sorted(words)))
        if tokens.refresh_token is None:
            raise AuthError(
                f"{self._realm.address} gave no offline token: whoever runs the realm can allow the"
                f" client {self._realm.client_id!r} the scope {_OFFLINE}"
            )
        try:
            kept.write_private(target, f"{tokens.refresh_token}\n".encode())
        except OSError as error:
            self._realm.revoke(tokens.refresh_token, "refresh_token")
            raise AuthError(
                f"the offline token cannot be written to {target} ({error.strerror}), and was"
                " revoked"
            ) from error

    def _wait_for_others(self) -> None:
        asking.tell("Another process is signing in. This one goes on when it has.")

    def _obtain(self) -> Tokens:
        return self._sign_in(self._scope or "")

    def _sign_in(self, scope: str) -> Tokens:
        """Have a person approve a login.

        One that was left waiting, since its caller gave up, is taken up again.
        """
        self._expect_somebody()
        pending, self._pending = self._pending, None
        if pending is None or pending.ends <= time.monotonic() or pending.scope != scope:
            pending = self._begin(scope)
        self._show(pending.login)
        try:
            return self._approved(pending)
        except AuthError:
            raise
        except BaseException:
            self._pending = pending
            raise

    def _expect_somebody(self) -> None:
        there = self._interactive
        if there is None:
            there = self._prompt is not None or asking.somebody_is_there()
        if not there:
            raise AuthError(
                f"signing in to {self._realm.address} needs a person, and nobody is there: this is"
                " no terminal and no notebook. In a batch job use OfflineFlow, with a token that"
                " DeviceFlow(...).save_offline_token(path) got where there is a browser. Or sign in"
                " beforehand with the same home directory; or, if somebody reads what is printed,"
                " say interactive=True"
            )

    def _begin(self, scope: str) -> _Pending:
        asked = time.monotonic()
        answer = self._realm.device_login(scope)
        login = DeviceLogin(
            self._page(answer.verification_uri),
            answer.verification_uri_complete and self._page(answer.verification_uri_complete),
            "".join(c for c in answer.user_code if c.isprintable()),
            answer.expires_in,
        )
        return _Pending(answer, login, scope, asked + answer.expires_in, max(answer.interval, 0.0))

    def _page(self, address: str) -> str:
        """Refuse what is no page for a browser: a file, a script, or what steers a terminal."""
        bare = urlsplit(address)._replace(query="", fragment="").geturl()
        try:
            check_address(
                "verification_uri",
                bare,
                allow_http=self._realm.config.api_overrides.allow_http,
            )
        except ConfigError as error:
            raise AuthError(
                f"{self._realm.address} names a page to sign in that cannot be opened: {error}"
            ) from None
        return str(httpx.URL(address))

    def _show(self, login: DeviceLogin) -> None:
        if self._prompt is not None:
            self._prompt(login)
        else:
            asking.show(login, self._open_browser)

    def _approved(self, pending: _Pending) -> Tokens:
        """Ask until somebody decided, no more often than the realm wants."""
        while True:
            left = pending.ends - time.monotonic()
            if left <= 0:
                raise self._expired()
            pause(min(pending.interval, left))
            try:
                return self._realm.for_device(pending.answer.device_code)
            except AuthError as error:
                if error.error == "slow_down":
                    pending.interval += _SLOWER
                elif isinstance(error.__cause__, httpx.TransportError):
                    pending.interval = min(max(2 * pending.interval, 1.0), _SLOWEST)
                elif error.error == "expired_token":
                    raise self._expired(error) from error
                elif error.error == "access_denied":
                    raise AuthError(
                        f"the login at {self._realm.address} was denied",
                        error=error.error,
                        error_description=error.error_description,
                    ) from error
                elif error.error != "authorization_pending":
                    raise

    def _expired(self, error: AuthError | None = None) -> AuthError:
        return AuthError(
            f"nobody approved the login at {self._realm.address} in time: ask for a token again to"
            " get a new code",
            error=error.error if error else "expired_token",
            error_description=error.error_description if error else None,
        )
