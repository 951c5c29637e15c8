"""How a login is shown, and when it is refused."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest
from auth.screens import ENVIRONMENT, LINK, LOGIN, Screen, approve, pipe, terminal
from auth.support import CLIENT, TOKENS, request_count, responding

from prov_facade import CredentialsError, DeviceFlow, DeviceLogin
from prov_facade.sandbox import Sandbox

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The links that a browser opened, on a machine without a display."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    return opened


def flow(sandbox: Sandbox, **settings: Any) -> DeviceFlow:
    return DeviceFlow(sandbox.config, CLIENT, cache=None, **settings)


def sign_in(auth: DeviceFlow, screen: Screen) -> re.Match[str]:
    """Sign in, and approve the login that the screen shows."""
    with ThreadPoolExecutor(1) as threads:
        token = threads.submit(auth.get_token)
        shown = screen.find(LOGIN)
        approve(shown["link"])
        assert token.result(10)
    for thread in threading.enumerate():
        if thread.name == "prov-facade browser":
            thread.join(10)
    return shown


# In a terminal


def test_a_script_in_a_terminal_shows_the_login_and_continues_once_approved(
    sandbox: Sandbox,
) -> None:
    script = Path(__file__).with_name("login_script.py")
    config = sandbox.config
    addresses = (config.prov_api_endpoint, config.keycloak_endpoint)
    with terminal() as (screen, stream):
        with subprocess.Popen(
            [sys.executable, str(script), *addresses],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
        ) as process:
            try:
                shown = screen.find(LOGIN)
                assert process.poll() is None
                approve(shown["link"])
                assert process.communicate(timeout=20)[0] == "ann\n"
            finally:
                process.kill()
        stream.close()
        assert LOGIN.fullmatch(screen.all())
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("seconds", "time"), [(24 * 3600, "1440 minutes"), (150, "2 minutes"), (50, "a minute")]
)
def test_the_message_fits_in_80_columns_and_says_when_the_code_expires(
    seconds: int, time: str, sandbox: Sandbox
) -> None:
    sandbox.realm.device_lifetime = seconds
    with terminal() as (screen, stream), redirect_stderr(stream):
        shown = sign_in(flow(sandbox), screen)
    assert shown["time"] == time
    assert max(map(len, screen.all().splitlines())) < 80


def test_the_message_asks_for_the_code_if_the_link_does_not_contain_it(sandbox: Sandbox) -> None:
    response = {
        "device_code": "a-device-code",
        "user_code": "\x1b[2JABCD-EFGH",
        "verification_uri": "http://127.0.0.1/device",
        "expires_in": 600,
        "interval": 0.01,
    }
    sandbox.faults.add("device_authorization", responding(response))
    sandbox.faults.add("token", responding(TOKENS))
    with terminal() as (screen, stream), redirect_stderr(stream):
        flow(sandbox).get_token()
    assert screen.all().splitlines() == [
        "",
        "To sign in, open",
        "",
        "    http://127.0.0.1/device",
        "",
        "and enter the code [2JABCD-EFGH within 10 minutes.",
        "",
    ]


def test_a_login_that_is_interrupted_is_shown_again_without_a_second_browser(
    sandbox: Sandbox, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = flow(sandbox, open_browser=True)

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with terminal() as (screen, stream), redirect_stderr(stream):
        with monkeypatch.context() as patch:
            patch.setattr("prov_facade._auth.device_flow.sleep", interrupt)
            with pytest.raises(KeyboardInterrupt):
                auth.get_token()
        first = screen.find(LOGIN)
        assert auth._pending is not None
        auth._pending.ends -= sandbox.realm.device_lifetime - 60
        with ThreadPoolExecutor(1) as threads:
            token = threads.submit(auth.get_token)
            second = screen.find(LOGIN, first.end())
            approve(second["link"])
            assert token.result(10)
    assert second["link"] == first["link"]
    assert (first["time"], second["time"]) == ("10 minutes", "a minute")
    assert opened == [first["link"]]


# Without a user


class Shim:
    """A replacement for standard error that can only be written to."""

    def __init__(self, stream: IO[str]) -> None:
        self.write, self.flush = stream.write, stream.flush


def closed_stream() -> IO[str]:
    stream = io.StringIO()
    stream.close()
    return stream


def broken_pipe() -> IO[str]:
    """A pipe without a reader."""
    reading, writing = os.pipe()
    os.close(reading)
    return open(writing, "w", buffering=1)  # noqa: PTH123


NOT_TERMINALS: dict[str, Callable[[IO[str], IO[str]], Any]] = {
    "a pipe": lambda _, pipe: pipe,
    "closed": lambda *_: closed_stream(),
    "none": lambda *_: None,
    "no isatty": lambda terminal, _: Shim(terminal),
}


def assert_refused(sandbox: Sandbox, **settings: Any) -> None:
    """A login is refused before anything is sent."""
    with pytest.raises(CredentialsError, match=r"needs a user.*use OfflineFlow"):
        flow(sandbox, **settings).get_token()
    assert sandbox.requests == []


@pytest.mark.parametrize("place", NOT_TERMINALS)
def test_a_login_is_refused_if_stderr_is_not_a_terminal(place: str, sandbox: Sandbox) -> None:
    with terminal() as (screen, stream), pipe() as (other, piped):
        with redirect_stderr(NOT_TERMINALS[place](stream, piped)):
            assert_refused(sandbox)
        stream.close()
        piped.close()
        assert screen.all() == other.all() == ""


@pytest.mark.parametrize(
    ("ci", "settings"), [("true", {}), ("1", {}), ("false", {"interactive": False})]
)
def test_a_login_is_refused_in_a_ci_job_or_if_not_interactive(
    ci: str, settings: dict[str, Any], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    with terminal() as (screen, stream):
        with redirect_stderr(stream):
            assert_refused(sandbox, **settings)
        stream.close()
        assert screen.all() == ""


@pytest.mark.parametrize("ci", ["false", "0", ""])
def test_a_false_ci_variable_does_not_mean_a_ci_job(
    ci: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    with terminal() as (screen, stream), redirect_stderr(stream):
        assert sign_in(flow(sandbox), screen)["link"]


@pytest.mark.parametrize("place", ["a pipe", "no isatty", "CI"])
def test_interactive_prints_the_login_without_a_terminal(
    place: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pipe() as (screen, stream):
        if place == "CI":
            monkeypatch.setenv("CI", "true")
        with redirect_stderr(Shim(stream) if place == "no isatty" else stream):
            sign_in(flow(sandbox, interactive=True), screen)
        stream.close()
        assert LOGIN.fullmatch(screen.all())


@pytest.mark.parametrize("output", [closed_stream, broken_pipe])
def test_a_login_that_cannot_be_printed_is_an_error(
    output: Callable[[], IO[str]], sandbox: Sandbox
) -> None:
    stream = output()
    with (
        redirect_stderr(stream),
        pytest.raises(CredentialsError, match="could not show where to sign in"),
    ):
        flow(sandbox, interactive=True).get_token()
    assert request_count(sandbox) == 0
    with suppress(OSError):
        stream.close()


# In a browser

X11, WAYLAND = {"DISPLAY": ":0"}, {"WAYLAND_DISPLAY": "wayland-0"}
OVER_SSH = {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}


@pytest.mark.parametrize(
    ("environ", "platform", "open_browser", "opens"),
    [
        pytest.param(X11, "linux", None, True, id="X11"),
        pytest.param(WAYLAND, "linux", None, True, id="Wayland"),
        pytest.param({}, "linux", None, False, id="none"),
        pytest.param({"DISPLAY": ""}, "linux", None, False, id="empty"),
        pytest.param({}, "darwin", None, True, id="macOS"),
        pytest.param({**X11, **WAYLAND, **OVER_SSH}, "linux", None, False, id="over SSH"),
        pytest.param({**X11, **WAYLAND}, "linux", False, False, id="disabled"),
        pytest.param(OVER_SSH, "linux", True, True, id="enabled"),
    ],
)
def test_a_browser_opens_if_there_is_a_display_unless_overridden(  # noqa: PLR0917
    environ: dict[str, str],
    platform: str,
    open_browser: bool | None,
    opens: bool,
    sandbox: Sandbox,
    opened: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    with terminal() as (screen, stream), redirect_stderr(stream):
        shown = sign_in(flow(sandbox, open_browser=open_browser), screen)
    assert opened == [shown["link"]] * opens


# In a notebook


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A fake kernel of a notebook, which records the displayed objects."""
    kernel = SimpleNamespace(_allow_stdin=True, displayed=[])
    ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=kernel))
    display = SimpleNamespace(display=kernel.displayed.append)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return kernel


def test_a_notebook_displays_the_login_and_opens_no_browser(
    kernel: SimpleNamespace,
    sandbox: Sandbox,
    opened: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    sandbox.faults.add("token", responding(TOKENS))
    assert flow(sandbox).get_token()
    (login,) = kernel.displayed
    assert LOGIN.fullmatch(f"\n{login}\n\n")
    assert f'<a href="{login.link}" target="_blank"' in login._repr_html_()
    texts: list[str] = []
    login._repr_pretty_(SimpleNamespace(text=texts.append), False)
    assert texts == [str(login)]
    assert opened == []


def test_markup_from_the_realm_is_escaped_in_a_notebook() -> None:
    link = "http://127.0.0.1/device?a='\"<b>&lt=1"
    login = DeviceLogin("http://127.0.0.1/device", link, "<b>&amp;", 600)
    assert "<b>" not in login._repr_html_()
    assert "&lt;b&gt;&amp;amp;" in login._repr_html_()


def test_a_notebook_that_is_executed_by_a_program_refuses_a_login(
    kernel: SimpleNamespace, sandbox: Sandbox
) -> None:
    kernel._allow_stdin = False
    assert_refused(sandbox)
    assert kernel.displayed == []


# In an application


def test_an_application_can_show_the_login_itself(
    sandbox: Sandbox, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[DeviceLogin] = []

    def show(login: DeviceLogin) -> None:
        shown.append(login)
        approve(login.link)

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("CI", "true")
    with terminal() as (screen, stream):
        with redirect_stderr(stream):
            flow(sandbox, prompt=show).get_token()
        stream.close()
        assert screen.all() == ""
    (login,) = shown
    assert login.link == login.verification_uri_complete
    assert LINK.fullmatch(login.link)
    assert login.verification_uri == login.link.partition("?")[0]
    assert login.user_code in login.link
    assert login.expires_in == sandbox.realm.device_lifetime
    assert opened == []
    sandbox.clear_requests()
    assert_refused(sandbox, prompt=show, interactive=False)
