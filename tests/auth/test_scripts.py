"""Scripts that sign in in real terminals, with real browser commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pytest
from attrs import define
from auth.screens import ENVIRONMENT, LOGIN, Screen, approve, terminal

from prov_facade.sandbox import Sandbox

pytestmark = [
    pytest.mark.stress,
    pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals"),
]


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a display or browsers."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@define
class Browser:
    """A command that records the links it opens."""

    command: Path
    opened: Path

    def links(self) -> list[str]:
        return self.opened.read_text().splitlines() if self.opened.exists() else []


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """The browser that the environment names."""
    made = Browser(tmp_path / "browser", tmp_path / "opened")
    made.command.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {made.opened}\n')
    made.command.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(made.command))
    return made


@contextmanager
def script(
    sandbox: Sandbox, error_output: IO[str] | int, *command: str, **options: object
) -> Iterator[subprocess.Popen[str]]:
    """Run the script that signs in."""
    config = sandbox.config
    path = Path(__file__).with_name("login_script.py")
    addresses = (config.prov_api_endpoint, config.keycloak_endpoint)
    with subprocess.Popen(
        [*(command or (sys.executable,)), str(path), *addresses, json.dumps(options)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=error_output,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def login(sandbox: Sandbox, **options: Any) -> Iterator[tuple[Screen, subprocess.Popen[str]]]:
    """Run the script in a terminal; it must succeed."""
    with terminal() as (screen, stream):
        options = {"open_browser": True, "waits_for_browser": True, **options}
        with script(sandbox, stream, **options) as process:
            stream.close()
            yield screen, process
            assert process.communicate(timeout=20)[0] == "ann\n"
        assert process.returncode == 0


def test_a_script_in_ipython_shows_the_login(sandbox: Sandbox) -> None:
    command = (sys.executable, "-m", "IPython", "--")
    with terminal() as (screen, stream), script(sandbox, stream, *command) as process:
        approve(screen.find(LOGIN)["link"])
        assert process.communicate(timeout=20)[0] == "ann\n"


def test_a_script_with_a_closed_error_output_refuses_a_login(sandbox: Sandbox) -> None:
    command = ("/bin/sh", "-c", 'exec "$0" "$@" 2>&-', sys.executable)
    with script(sandbox, subprocess.DEVNULL, *command) as process:
        assert "use OfflineFlow" in process.communicate(timeout=20)[0]
    assert sandbox.requests == []


@pytest.mark.parametrize(("display", "opens"), [(":0", True), ("", False)])
def test_the_browser_of_the_environment_opens_on_a_display(
    display: str,
    opens: bool,
    browser: Browser,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    with login(sandbox, open_browser=None) as (screen, _):
        shown = screen.find(LOGIN)
        approve(shown["link"])
    assert browser.links() == [shown["link"]] * opens


def test_an_interrupted_login_is_shown_again_without_a_second_browser(
    browser: Browser, sandbox: Sandbox
) -> None:
    with login(sandbox) as (screen, process):
        first = screen.find(LOGIN)
        while not browser.links():
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        second = screen.find(LOGIN, first.end())
        approve(second["link"])
    assert second["link"] == first["link"]
    assert browser.links() == [first["link"]]


@pytest.mark.parametrize("command", ["{} --odd", "{}", "/no/such/browser", " ", "'"])
def test_a_failing_browser_is_ignored(
    command: str, browser: Browser, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.command.write_text("#!/bin/sh\nexit 1\n")
    monkeypatch.setenv("BROWSER", command.format(browser.command))
    with login(sandbox) as (screen, _):
        approve(screen.find(LOGIN)["link"])
    assert LOGIN.fullmatch(screen.all())  # with nothing about the browser


def open_for_writing(fifo: Path) -> IO[bytes]:
    """Open a named pipe as soon as the other end is open."""
    for _ in range(300):
        with suppress(OSError):  # the pipe has no reader yet
            return open(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK), "wb")  # noqa: PTH123
        time.sleep(0.05)
    pytest.fail("no process opened the other end")


def test_a_hanging_browser_delays_nothing(
    browser: Browser, sandbox: Sandbox, tmp_path: Path
) -> None:
    gate, done = tmp_path / "gate", tmp_path / "done"
    os.mkfifo(gate)
    browser.command.write_text(f"#!/bin/sh\nread line < {gate}\n: > {done}\n")
    with login(sandbox, waits_for_browser=False) as (screen, process):
        approve(screen.find(LOGIN)["link"])
        with open_for_writing(gate):
            process.wait(20)
            assert not done.exists()
    screen.all()  # returns when the browser has ended, too
    assert done.exists()
