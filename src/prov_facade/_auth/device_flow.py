"""The device authorization grant, RFC 8628: a person approves the login in any browser."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import httpx
from attrs import define, evolve

from prov_facade._auth import prompt as asking
from prov_facade._auth.manager import OAuthManager, RejectedToken
from prov_facade._auth.prompt import DeviceLogin
from prov_facade._auth.token_cache import CacheLike
from prov_facade._auth.token_endpoint import DeviceAnswer, Verify
from prov_facade._auth.tokens import Tokens
from prov_facade._files.private import write_private
from prov_facade._runtime.cancellation import hold, sleep
from prov_facade.config import Config, check_address
from prov_facade.errors import ConfigError, CredentialsError

_SLOWER = 5.0  # RFC 8628, 3.5
_SLOWEST = 60.0
_FAILING = 500
_INTERVAL = 5.0  # RFC 8628, 3.2
_LONGEST_LIFE = 24 * 3600.0
_OFFLINE = "offline_access"


@define
class _Pending:
    """A login that waits for somebody to approve it."""

    answer: DeviceAnswer
    login: DeviceLogin
    scope: str
    ends: float
    interval: float
    shown: bool = False


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
            or the notebook: for applications with windows of their own. A pickled copy, in
            another process, is without it.
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
    _asks_a_person = True

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
        # Nor a way to the person who is here.
        return {**super().__getstate__(), "_pending": None, "_prompt": None}

    def save_offline_token(self, path: str | os.PathLike[str]) -> None:
        """Get an offline token, and write it to a file that only its owner can read.

        A person has to approve it. It is for :class:`OfflineFlow`, with the same client.

        Args:
            path: The file. One that is there is replaced; the directory must be there.

        Raises:
            CredentialsError: If nobody approves it, the realm issues none, or the file cannot be
                written.
            ConfigError: If there is no such directory, or nothing can be written to it.
        """
        target = Path(path).expanduser()
        if not target.parent.is_dir():
            raise ConfigError(f"{target.parent} is no directory")
        if not os.access(target.parent, os.W_OK):
            raise ConfigError(f"nothing can be written to {target.parent}")
        words = {*(self._scope or "").split(), _OFFLINE}
        with hold(self._lock):
            tokens = self._sign_in(" ".join(sorted(words)))
        # An empty scope is none that RFC 6749 knows, and says nothing.
        if tokens.scope and _OFFLINE not in tokens.scope.split():
            self._realm.revoke(tokens.refresh_token or tokens.access_token, "refresh_token")
            tokens = evolve(tokens, refresh_token=None)
        if tokens.refresh_token is None:
            raise CredentialsError(
                f"{self._realm.address} gave no offline token: whoever runs the realm can allow the"
                f" client {self._realm.client_id!r} the scope {_OFFLINE}"
            )
        try:
            write_private(target, f"{tokens.refresh_token}\n".encode())
        except OSError as error:
            self._realm.revoke(tokens.refresh_token, "refresh_token")
            raise CredentialsError(
                f"the offline token cannot be written to {target} ({error.strerror}), and was"
                " revoked"
            ) from error

    def _obtain(self, spent: RejectedToken | None) -> Tokens:
        return self._sign_in(self._scope or "", spent)

    def _sign_in(self, scope: str, spent: RejectedToken | None = None) -> Tokens:
        """Have a person approve a login.

        One that was left waiting, since its caller gave up, is taken up again.
        """
        self._expect_somebody(spent)
        pending, self._pending = self._pending, None
        if pending is None or pending.ends <= time.monotonic() or pending.scope != scope:
            pending = self._begin(scope)
        try:
            self._show(pending)
            return self._approved(pending)
        except CredentialsError:
            raise
        except BaseException:
            self._pending = pending
            raise

    def _expect_somebody(self, spent: RejectedToken | None) -> None:
        there = self._interactive
        if there is None:
            there = self._prompt is not None or asking.somebody_is_there()
        if not there:
            raise CredentialsError(
                f"signing in to {self._realm.address} needs a person, and nobody is there: this is"
                " no terminal and no notebook that can ask. In a batch job use OfflineFlow, with a"
                " token that DeviceFlow(...).save_offline_token(path) got where there is a browser."
                " Or sign in beforehand with the same home directory; or, if somebody reads what is"
                f" printed, say interactive=True{_reason(spent)}",
                error=spent.error.error if spent else None,
                error_description=spent.error.error_description if spent else None,
            )

    def _begin(self, scope: str) -> _Pending:
        asked = time.monotonic()
        answer = self._realm.device_login(scope)
        lifetime = min(max(answer.expires_in, 0.0), _LONGEST_LIFE)
        complete = answer.verification_uri_complete
        login = DeviceLogin(
            self._page(answer.verification_uri),
            self._page(complete) if complete else None,
            "".join(c for c in answer.user_code if c.isprintable()),
            lifetime,
        )
        interval = answer.interval
        # One that is not positive would have the realm asked without a pause.
        interval = min(interval, _SLOWEST) if interval and interval > 0 else _INTERVAL
        return _Pending(answer, login, scope, asked + lifetime, interval)

    def _page(self, address: str) -> str:
        """Refuse what is no page for a browser: a file, a script, or what steers a terminal."""
        try:
            page = httpx.URL(address)
            check_address(
                "verification_uri",
                str(page.copy_with(query=None, fragment=None)),
                allow_http=self._realm.config.api_overrides.allow_http,
            )
        except (ConfigError, httpx.InvalidURL) as error:
            raise CredentialsError(
                f"{self._realm.address} names a page to sign in that cannot be opened: {error}"
            ) from None
        return str(page)

    def _show(self, pending: _Pending) -> None:
        login = pending.login
        if pending.shown:
            login = evolve(login, expires_in=max(pending.ends - time.monotonic(), 0.0))
        if self._prompt is not None:
            self._prompt(login)
        else:
            # A second browser for the same login would be one too many.
            asking.show(login, False if pending.shown else self._open_browser)
        pending.shown = True

    def _approved(self, pending: _Pending) -> Tokens:
        """Ask until somebody decided, no more often than the realm wants."""
        while True:
            left = pending.ends - time.monotonic()
            if left <= 0:
                raise self._expired()
            sleep(min(pending.interval, left))
            try:
                return self._realm.for_device(pending.answer.device_code)
            except CredentialsError as error:
                if error.error == "slow_down":
                    pending.interval += _SLOWER
                elif isinstance(error.__cause__, httpx.TransportError) or _is_passing(error):
                    pending.interval = min(max(2 * pending.interval, 1.0), _SLOWEST)
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
            f"nobody approved the login at {self._realm.address} in time: ask for a token again to"
            " get a new code",
            error=error.error if error else "expired_token",
            error_description=error.error_description if error else None,
        )


def _is_passing(error: CredentialsError) -> bool:
    status = error.status_code
    return status is not None and (status == HTTPStatus.TOO_MANY_REQUESTS or status >= _FAILING)


def _reason(spent: RejectedToken | None) -> str:
    if spent is None:
        return ""
    said = filter(None, (spent.error.error, spent.error.error_description))
    return f". What was kept is good no more ({': '.join(said)})"
