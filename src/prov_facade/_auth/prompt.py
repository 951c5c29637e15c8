"""Shows a person where to approve a login."""

from __future__ import annotations

import html
import os
import sys
import threading
import webbrowser
from contextlib import suppress
from typing import Any

from attrs import frozen

from prov_facade.errors import CredentialsError

_MINUTE = 60


@frozen
class DeviceLogin:
    """What a person needs in order to approve a login.

    Attributes:
        verification_uri: The page on which to do it.
        verification_uri_complete: The same with the code in it, where the realm has such a page.
        user_code: The code to enter there, or to find there already.
        expires_in: For how many seconds there is time.
    """

    verification_uri: str
    verification_uri_complete: str | None
    user_code: str
    expires_in: float

    @property
    def link(self) -> str:
        """The page that asks for the least."""
        return self.verification_uri_complete or self.verification_uri

    def __str__(self) -> str:
        return f"{self._before}\n\n    {self.link}\n\n{self._after}"

    @property
    def _before(self) -> str:
        return "To sign in, open"

    @property
    def _after(self) -> str:
        minutes = max(1, round(self.expires_in / _MINUTE))
        time = "a minute" if minutes == 1 else f"{minutes} minutes"
        if self.verification_uri_complete is None:
            return f"and enter the code {self.user_code} within {time}."
        return f"and make sure that it shows the code {self.user_code}. There is time for {time}."

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        link = html.escape(self.link)
        anchor = f'<a href="{link}" target="_blank" rel="noopener noreferrer">{link}</a>'
        return f"<p>{html.escape(self._before)} {anchor} {html.escape(self._after)}</p>"


def somebody_is_there() -> bool:
    """Say whether a person can be expected to read what is shown."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        return False
    kernel = _kernel()
    if kernel is not None:
        # Those that run a notebook through, as nbclient does, allow no questions.
        return getattr(kernel, "_allow_stdin", True) is not False
    return _is_terminal()


def show(login: DeviceLogin, open_browser: bool | None) -> None:
    """Show where to approve a login, and open the page where that is welcome.

    Args:
        login: The login.
        open_browser: Whether to open a browser; ``None`` if there is a display and no notebook,
            whose browser is on another machine as likely as not.

    Raises:
        CredentialsError: If the error output takes nothing.
    """
    if _kernel() is not None:
        from IPython.display import display  # noqa: PLC0415  (there is a notebook, so it is there)

        display(login)
    else:
        _say(f"\n{login}\n")
    if open_browser or (open_browser is None and _kernel() is None and _has_display()):
        # Some browsers do not return before they are closed.
        threading.Thread(
            target=_open, args=(login.link,), name="prov-facade browser", daemon=True
        ).start()


def _say(message: str) -> None:
    try:
        print(message, file=sys.stderr, flush=True)  # noqa: T201  (a person reads it)
    except (OSError, ValueError) as error:  # nobody reads it any more, or it is closed
        raise CredentialsError(f"where to sign in cannot be shown: {error}") from error


def _open(link: str) -> None:
    # Whatever fails, as a BROWSER that is no command does: the link is there to be opened by hand.
    with suppress(Exception):
        webbrowser.open(link)


def _is_terminal() -> bool:
    stream: Any = sys.stderr
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # none, one of another kind, or one that is closed
        return False


def _kernel() -> Any:
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None)


def _has_display() -> bool:
    if os.environ.get("SSH_CONNECTION"):
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
