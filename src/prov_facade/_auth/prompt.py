"""Shows the user where to approve a login, in a terminal or a notebook."""

from __future__ import annotations

import html
import os
import sys
import threading
from contextlib import suppress
from typing import Any

from attrs import frozen

from prov_facade.errors import CredentialsError

_MINUTE = 60


@frozen
class DeviceLogin:
    """The page and the code with which a user approves a login.

    Attributes:
        verification_uri: The page.
        verification_uri_complete: The page with the code filled in, if the realm has one.
        user_code: The code to enter on the page, or to compare with the one filled in.
        expires_in: How many seconds are left to approve it.
    """

    verification_uri: str
    verification_uri_complete: str | None
    user_code: str
    expires_in: float

    @property
    def link(self) -> str:
        """The page with the code filled in, if there is one, else the plain page."""
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
        return f"and check that it shows the code {self.user_code}. The code expires in {time}."

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        link = html.escape(self.link)
        anchor = f'<a href="{link}" target="_blank" rel="noopener noreferrer">{link}</a>'
        return f"<p>{html.escape(self._before)} {anchor} {html.escape(self._after)}</p>"


def is_interactive() -> bool:
    """Return whether a user probably sees the output."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        return False
    kernel = _kernel()
    if kernel is not None:
        # Programs that execute a notebook, such as nbclient, do not allow input.
        return getattr(kernel, "_allow_stdin", True) is not False
    return _is_terminal()


def show(login: DeviceLogin, open_browser: bool | None) -> None:
    """Show a login, and open its page in a browser.

    Args:
        login: The login.
        open_browser: Whether to open a browser; ``None`` to open one if there is a display, but not
            in a notebook, whose browser may be on another machine.

    Raises:
        CredentialsError: If standard error cannot be written to.
    """
    if _kernel() is not None:
        from IPython.display import display  # noqa: PLC0415  (a kernel is running, so it is installed)

        display(login)
    else:
        _print(f"\n{login}\n")
    if open_browser or (open_browser is None and _kernel() is None and _has_display()):
        # Some browsers do not return before they are closed.
        threading.Thread(
            target=_open, args=(login.link,), name="prov-facade browser", daemon=True
        ).start()


def _print(message: str) -> None:
    try:
        print(message, file=sys.stderr, flush=True)  # noqa: T201  (for the user to read)
    except (OSError, ValueError) as error:  # it has no reader, or is closed
        raise CredentialsError(f"could not show where to sign in: {error}") from error


def _open(link: str) -> None:
    import webbrowser  # noqa: PLC0415  (rarely used)

    # After any failure, such as an invalid BROWSER, the user can still open the link.
    with suppress(Exception):
        webbrowser.open(link)


def _is_terminal() -> bool:
    stream: Any = sys.stderr
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # None, a replacement without isatty, or closed
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
