"""Terminals and pipes that tests read, and the format of a login there."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import IO

import httpx

LINK = re.compile(r"http://\S+/device\?user_code=([A-Z]{4}-[A-Z]{4})")
LOGIN = re.compile(
    r"\r?\nTo sign in, open\r?\n"
    r"\r?\n"
    r"    (?P<link>http://\S+/device\?user_code=(?P<code>[A-Z]{4}-[A-Z]{4}))\r?\n"
    r"\r?\n"
    r"and check that it shows the code (?P=code)\. The code expires in (?P<time>[\w ]+)\.\r?\n"
    r"\r?\n"
)
"""The message that shows a login."""

ENVIRONMENT = (
    "BROWSER",
    "CI",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "SSH_CONNECTION",
    "IPYTHONDIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_CONFIG_PATH",
    "JUPYTER_DATA_DIR",
    "JUPYTER_PATH",
    "JUPYTER_RUNTIME_DIR",
)
"""The variables that decide how a login is shown."""


def approve(link: str) -> None:
    """Approve a login on its page, which shows the code."""
    code = LINK.fullmatch(link)
    assert code is not None
    assert f'value="{code[1]}"' in httpx.get(link).text
    form = {"user_code": code[1], "username": "ann", "roles": "read", "decision": "approve"}
    assert "signed in" in httpx.post(link.partition("?")[0], data=form).text


class Screen:
    """Reads what is written to a pipe or a terminal.

    Args:
        source: The end to read from. It is closed at the end.
    """

    def __init__(self, source: int) -> None:
        self._source = source
        self._text = ""
        self._changed = threading.Condition()
        self._over = False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with closing(open(self._source, "rb", buffering=0)) as source:  # noqa: PTH123
            while True:
                try:
                    read = source.read(1000)
                except OSError:  # the end of a terminal
                    read = b""
                with self._changed:
                    self._text += (read or b"").decode()
                    self._over = not read
                    self._changed.notify_all()
                if not read:
                    return

    def find(self, pattern: re.Pattern[str], after: int = 0) -> re.Match[str]:
        """Wait for a match, and fail if none occurs."""
        found: list[re.Match[str] | None] = []

        def look() -> bool:
            found.append(pattern.search(self._text, after))
            return found[-1] is not None or self._over

        with self._changed:
            self._changed.wait_for(look, 15)
        assert found[-1] is not None, self._text
        return found[-1]

    def all(self) -> str:
        """Wait for the end, and return everything."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._over, 15)
        return self._text


@contextmanager
def terminal() -> Iterator[tuple[Screen, IO[str]]]:
    """A terminal: what it shows, and the stream that programs write to."""
    master, slave = os.openpty()
    with open(slave, "w") as stream:  # noqa: PTH123
        yield Screen(master), stream


@contextmanager
def pipe() -> Iterator[tuple[Screen, IO[str]]]:
    """A pipe, with the same interface."""
    reading, writing = os.pipe()
    with open(writing, "w") as stream:  # noqa: PTH123
        yield Screen(reading), stream
