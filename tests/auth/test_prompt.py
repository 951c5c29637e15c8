"""What a person is shown who has to approve a login: in a terminal, a browser and a notebook."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, redirect_stderr, suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import IO, Any

import httpx
import pytest
from attrs import define
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from signing import CLIENT, answering, asked

from prov_facade import CredentialsError, DeviceFlow, DeviceLogin
from prov_facade.sandbox import Sandbox

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")

ASKING = Path(__file__).with_name("asking.py")
LINK = re.compile(r"http://\S+/device\?user_code=([A-Z]{4}-[A-Z]{4})")
SAYS = re.compile(
    r"\r?\nTo sign in, open\r?\n"
    r"\r?\n"
    r"    (?P<link>http://\S+/device\?user_code=(?P<code>[A-Z]{4}-[A-Z]{4}))\r?\n"
    r"\r?\n"
    r"and make sure that it shows the code (?P=code)\. There is time for (?P<time>[\w ]+)\.\r?\n"
    r"\r?\n"
)
TOKENS = {"access_token": "an-access-token", "token_type": "Bearer", "expires_in": 300}
OF_THE_MACHINE = (
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


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One without a display, browsers, or notebooks of anybody."""
    for name in OF_THE_MACHINE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    """One in which nobody is waited for longer than a test should take."""
    shared.faults.clear()
    shared.clear_requests()
    shared.realm.interval = 0.01
    shared.realm.device_lifetime = 20
    return shared


def approve(link: str) -> None:
    """Do what people do on the page, for which they find the code there."""
    code = LINK.fullmatch(link)
    assert code is not None
    assert f'value="{code[1]}"' in httpx.get(link).text
    form = {"user_code": code[1], "username": "ann", "roles": "read", "decision": "approve"}
    assert "signed in" in httpx.post(link.partition("?")[0], data=form).text


class Screen:
    """What comes out of a pipe or a terminal, read by somebody who waits for it.

    Args:
        source: The end to read from, which is closed here.
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
        """Wait for something, and fail if it does not come."""
        found: list[re.Match[str] | None] = []

        def look() -> bool:
            found.append(pattern.search(self._text, after))
            return found[-1] is not None or self._over

        with self._changed:
            self._changed.wait_for(look, 15)
        assert found[-1] is not None, self._text
        return found[-1]

    def all(self) -> str:
        """Wait for the end."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._over, 15)
        return self._text


@contextmanager
def terminal() -> Iterator[tuple[Screen, IO[str]]]:
    """A terminal: what is on it, and where programs write."""
    master, slave = os.openpty()
    with open(slave, "w") as stream:  # noqa: PTH123
        yield Screen(master), stream


@contextmanager
def pipe() -> Iterator[tuple[Screen, IO[str]]]:
    """The two ends of a pipe, likewise."""
    reading, writing = os.pipe()
    with open(writing, "w") as stream:  # noqa: PTH123
        yield Screen(reading), stream


# In a terminal


@contextmanager
def script(
    sandbox: Sandbox, error_output: IO[str] | int, *command: str
) -> Iterator[subprocess.Popen[str]]:
    """A script that signs in, as it is run by somebody."""
    config = sandbox.config
    process = subprocess.Popen(
        [*command, str(ASKING), config.prov_api_endpoint, config.keycloak_endpoint],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=error_output,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("module", [[], ["-m", "IPython"]], ids=["python", "ipython"])
def test_a_script_in_a_terminal_shows_the_link_and_the_code_and_goes_on_once_approved(
    module: list[str], sandbox: Sandbox
) -> None:
    with terminal() as (screen, stream):
        with script(sandbox, stream, sys.executable, *module) as process:
            shown = screen.find(SAYS)
            assert process.poll() is None
            approve(shown["link"])
            assert process.communicate(timeout=20)[0] == "ann\n"
        stream.close()
        assert SAYS.fullmatch(screen.all())
    assert process.returncode == 0


def signed_in(auth: DeviceFlow, screen: Screen) -> re.Match[str]:
    """Approve what is on the screen."""
    with ThreadPoolExecutor(1) as threads:
        token = threads.submit(auth.get_token)
        shown = screen.find(SAYS)
        approve(shown["link"])
        assert token.result(10)
    return shown


@pytest.mark.parametrize(
    ("seconds", "time"), [(24 * 3600, "1440 minutes"), (150, "2 minutes"), (50, "a minute")]
)
def test_what_is_shown_fits_on_80_columns_and_says_how_much_time_there_is(
    seconds: int, time: str, sandbox: Sandbox
) -> None:
    sandbox.realm.device_lifetime = seconds
    with terminal() as (screen, stream), redirect_stderr(stream):
        shown = signed_in(DeviceFlow(sandbox.config, CLIENT, cache=None), screen)
    assert shown["time"] == time
    assert max(map(len, screen.all().splitlines())) < 80


def test_a_code_that_no_page_has_is_to_be_entered(sandbox: Sandbox) -> None:
    answer = {
        "device_code": "a-device-code",
        "user_code": "\x1b[2JABCD-EFGH",
        "verification_uri": "http://127.0.0.1/device",
        "expires_in": 600,
        "interval": 0.01,
    }
    sandbox.faults.add("device_authorization", answering(answer))
    sandbox.faults.add("token", answering(TOKENS))
    with terminal() as (screen, stream), redirect_stderr(stream):
        DeviceFlow(sandbox.config, CLIENT, cache=None).get_token()
    assert screen.all().splitlines() == [
        "",
        "To sign in, open",
        "",
        "    http://127.0.0.1/device",
        "",
        "and enter the code [2JABCD-EFGH within 10 minutes.",
        "",
    ]


# Where nobody reads


class Shim:
    """The error output that some program put in place of its own: it can be written to."""

    def __init__(self, stream: IO[str]) -> None:
        self.write, self.flush = stream.write, stream.flush


def closed() -> IO[str]:
    stream = io.StringIO()
    stream.close()
    return stream


Replace = Callable[[IO[str], IO[str]], Any]
NOT_TERMINALS: dict[str, Replace] = {
    "a pipe": lambda _, pipe: pipe,
    "closed": lambda *_: closed(),
    "none": lambda *_: None,
    "no isatty": lambda terminal, _: Shim(terminal),
}


def refuses(sandbox: Sandbox, **settings: Any) -> None:
    """Make sure that a login is refused at once, and without the realm having heard of it."""
    begun = time.monotonic()
    with pytest.raises(
        CredentialsError, match=r"needs a person, and nobody is there.*use OfflineFlow"
    ):
        DeviceFlow(sandbox.config, CLIENT, cache=None, **settings).get_token()
    assert time.monotonic() - begun < 1
    assert sandbox.requests == []


@pytest.mark.parametrize("place", NOT_TERMINALS)
def test_what_is_no_terminal_is_refused(place: str, sandbox: Sandbox) -> None:
    with terminal() as (screen, stream), pipe() as (other, piped):
        with redirect_stderr(NOT_TERMINALS[place](stream, piped)):
            refuses(sandbox)
        stream.close()
        piped.close()
        assert screen.all() == other.all() == ""


def test_a_terminal_of_a_ci_run_is_read_by_nobody(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    with terminal() as (screen, stream):
        with redirect_stderr(stream):
            refuses(sandbox)
        stream.close()
        assert screen.all() == ""


def test_a_terminal_is_not_written_to_against_the_users_word(sandbox: Sandbox) -> None:
    with terminal() as (screen, stream):
        with redirect_stderr(stream):
            refuses(sandbox, interactive=False)
        stream.close()
        assert screen.all() == ""


def test_a_script_whose_error_output_is_closed_is_told_to_use_something_else(
    sandbox: Sandbox,
) -> None:
    command = ("/bin/sh", "-c", 'exec "$0" "$@" 2>&-', sys.executable)
    with script(sandbox, subprocess.DEVNULL, *command) as process:
        assert "use OfflineFlow" in process.communicate(timeout=20)[0]
    assert sandbox.requests == []


@pytest.mark.parametrize("place", ["a pipe", "no isatty", "CI"])
def test_whoever_says_that_somebody_reads_it_has_it_printed_all_the_same(
    place: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = DeviceFlow(sandbox.config, CLIENT, cache=None, interactive=True)
    with pipe() as (screen, stream):
        if place == "CI":
            monkeypatch.setenv("CI", "true")
        with redirect_stderr(Shim(stream) if place == "no isatty" else stream):
            signed_in(auth, screen)
        stream.close()
        assert SAYS.fullmatch(screen.all())


def unread() -> IO[str]:
    """A pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    return open(writing, "w", buffering=1)  # noqa: PTH123


@pytest.mark.parametrize(("value", "is_ci"), [("1", True), ("false", False), ("0", False)])
def test_a_terminal_of_a_ci_job_is_told_by_the_variable_ci(
    value: str, is_ci: bool, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", value)
    monkeypatch.setattr(sandbox.realm, "device_lifetime", 0.1)
    with (
        terminal() as (_, stream),
        redirect_stderr(stream),
        pytest.raises(CredentialsError) as caught,
    ):
        DeviceFlow(sandbox.config, CLIENT, cache=None).get_token()
    assert (caught.value.error is None) == is_ci  # the other one waited for a person


@pytest.mark.parametrize("output", [closed, unread])
def test_what_cannot_be_printed_is_not_waited_for(
    output: Callable[[], IO[str]], sandbox: Sandbox
) -> None:
    stream = output()
    with redirect_stderr(stream), pytest.raises(CredentialsError, match="cannot be shown"):
        DeviceFlow(sandbox.config, CLIENT, cache=None, interactive=True).get_token()
    assert asked(sandbox) == 0
    with suppress(OSError):
        stream.close()


# In a browser


class Script:
    """A script that runs in a terminal.

    Args:
        screen: What is on the terminal.
        said: What the script says, and others have said before.
        begun: Where in that it begins.
    """

    def __init__(self, screen: Screen, said: Screen, begun: re.Match[str]) -> None:
        self.screen = screen
        self._said = said
        self._begun = begun

    def interrupt(self) -> None:
        os.kill(int(self._begun[1]), signal.SIGINT)

    def goes_through(self) -> bool:
        """Wait for the end."""
        end = self._said.find(re.compile(r"(.*)\nended with (.*)\n"), self._begun.end())
        return end.groups() == ("ann", "0")


class Scripts:
    """Runs scripts, without importing everything anew for each.

    Args:
        process: Does it.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._orders = process.stdin
        self._said = Screen(os.dup(process.stdout.fileno()))
        self._count = 0

    @contextmanager
    def run(
        self, sandbox: Sandbox, *, lingers: bool = True, **settings: object
    ) -> Iterator[Script]:
        """Run one in a terminal, in the present environment."""
        config = sandbox.config
        with terminal() as (screen, stream):
            self._count += 1
            order = {
                "name": self._count,
                "addresses": [config.prov_api_endpoint, config.keycloak_endpoint],
                "environ": dict(os.environ),
                "terminal": os.ttyname(stream.fileno()),
                "settings": settings,
                "lingers": lingers,
            }
            print(json.dumps(order), file=self._orders, flush=True)
            begun = self._said.find(re.compile(rf"{self._count} is process (\d+)\n"))
            yield Script(screen, self._said, begun)


@pytest.fixture(scope="module")
def scripts() -> Iterator[Scripts]:
    process = subprocess.Popen(
        [sys.executable, str(ASKING)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield Scripts(process)
        finally:
            process.kill()


@define
class Browser:
    """A command that notes the links that it is to open."""

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


X11, WAYLAND = {"DISPLAY": ":0"}, {"WAYLAND_DISPLAY": "wayland-0"}
OVER_SSH = {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}
NOT_ON_A_MAC = pytest.mark.skipif(sys.platform == "darwin", reason="there is a display always")


@pytest.mark.parametrize(
    ("environ", "open_browser", "opens"),
    [
        pytest.param(X11, None, True, id="X11"),
        pytest.param(WAYLAND, None, True, id="Wayland"),
        pytest.param({}, None, False, id="none", marks=NOT_ON_A_MAC),
        pytest.param({"DISPLAY": ""}, None, False, id="empty", marks=NOT_ON_A_MAC),
        pytest.param({**X11, **WAYLAND, **OVER_SSH}, None, False, id="over SSH"),
        pytest.param({**X11, **WAYLAND}, False, False, id="not wanted"),
        pytest.param(OVER_SSH, True, True, id="wanted all the same"),
    ],
)
def test_a_browser_opens_where_there_is_a_display_or_as_the_user_says(
    *,
    environ: dict[str, str],
    open_browser: bool | None,
    opens: bool,
    browser: Browser,
    sandbox: Sandbox,
    scripts: Scripts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with scripts.run(sandbox, open_browser=open_browser) as script:
        shown = script.screen.find(SAYS)
        approve(shown["link"])
        assert script.goes_through()
    assert browser.links() == [shown["link"]] * opens


def test_a_login_that_is_taken_up_again_is_shown_anew_but_opens_no_second_browser(
    browser: Browser, sandbox: Sandbox, scripts: Scripts
) -> None:
    sandbox.realm.device_lifetime = 90.5
    with scripts.run(sandbox, open_browser=True) as script:
        first = script.screen.find(SAYS)
        time.sleep(0.8)
        script.interrupt()
        second = script.screen.find(SAYS, first.end())
        approve(second["link"])
        assert script.goes_through()
    assert second["link"] == first["link"]
    # As much as is left.
    assert (first["time"], second["time"]) == ("2 minutes", "a minute")
    assert browser.links() == [first["link"]]


@pytest.mark.parametrize("command", ["{} --odd", "{}", "/no/such/browser", " ", "'"])
def test_a_browser_that_fails_does_not_matter(
    command: str,
    browser: Browser,
    sandbox: Sandbox,
    scripts: Scripts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    browser.command.write_text("#!/bin/sh\nexit 1\n")
    monkeypatch.setenv("BROWSER", command.format(browser.command))
    with scripts.run(sandbox, open_browser=True) as script:
        approve(script.screen.find(SAYS)["link"])
        assert script.goes_through()
    assert SAYS.fullmatch(script.screen.all())  # and nothing about it


def opened(gate: Path) -> IO[bytes]:
    """Wait for somebody at the other end of a named pipe."""
    for _ in range(300):
        with suppress(OSError):  # while nobody is there
            return open(os.open(gate, os.O_WRONLY | os.O_NONBLOCK), "wb")  # noqa: PTH123
        time.sleep(0.05)
    pytest.fail("nobody came")


def test_a_browser_that_hangs_holds_up_nobody(
    browser: Browser, sandbox: Sandbox, scripts: Scripts, tmp_path: Path
) -> None:
    gate, done = tmp_path / "gate", tmp_path / "done"
    os.mkfifo(gate)
    browser.command.write_text(f"#!/bin/sh\nread line < {gate}\n: > {done}\n")
    with scripts.run(sandbox, lingers=False, open_browser=True) as script:
        approve(script.screen.find(SAYS)["link"])
        with opened(gate):
            assert script.goes_through()
            assert not done.exists()
    script.screen.all()  # the end of the browser, too
    assert done.exists()


# In a notebook


SEEN = ("display_data", "update_display_data", "error", "execute_result", "stream")


class Notebook:
    """Cells, which a kernel runs.

    Args:
        folder: Where it keeps its files.
    """

    def __init__(self, folder: Path) -> None:
        self._manager = KernelManager(
            connection_file=str(folder / "kernel.json"),
            # Of this Python, and of no other that somebody has installed.
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
        )
        environ = {name: value for name, value in os.environ.items() if name not in OF_THE_MACHINE}
        settings = {"HOME": str(folder), "IPYTHONDIR": str(folder / "ipython")}
        self._manager.start_kernel(env={**environ, **settings})
        self._client = self._manager.client()
        self._client.start_channels()

    def wait_until_it_is_there(self) -> None:
        self._client.wait_for_ready(timeout=30)

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def run(self, code: str, *, allow_stdin: bool = True) -> str:
        """Begin to run a cell. Returns what its messages name."""
        return str(self._client.execute(code, allow_stdin=allow_stdin, stop_on_error=False))

    def interrupt(self) -> None:
        self._manager.interrupt_kernel()

    def message(self, cell: str, kind: str) -> dict[str, Any]:
        """Wait for a message about a cell, which must be the next that people see."""
        while True:
            message = self._client.get_iopub_msg(timeout=15)
            content: dict[str, Any] = message["content"]
            if message["msg_type"] in SEEN:
                assert message["msg_type"] == kind, content
                assert message["parent_header"]["msg_id"] == cell
                return content

    def result(self, cell: str) -> str:
        return str(self.message(cell, "execute_result")["data"]["text/plain"])


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    notebook = Notebook(tmp_path_factory.mktemp("notebook"))
    try:
        notebook.wait_until_it_is_there()
        yield notebook
    finally:
        notebook.close()


@pytest.fixture
def notebook(kernel: Notebook, sandbox: Sandbox) -> Notebook:
    """One in the test's environment, in which all is imported and the sandbox is known."""
    config = sandbox.config
    cell = kernel.run(f"""
import os, threading
from prov_facade import *
os.environ.clear()
os.environ.update({dict(os.environ)!r})
overrides = APIOverrides(
    prov_api_endpoint_override={config.prov_api_endpoint!r},
    keycloak_endpoint_override={config.keycloak_endpoint!r},
)
config = Config("prov.test", "r", overrides)
"ready"
""")
    assert kernel.result(cell) == "'ready'"
    return kernel


ASYNCHRONOUS = """
async with ProvClient(auth, config) as client:
    user = await client.check_read_access()
user.username
"""
SYNCHRONOUS = """
with SyncProvClient(auth, config) as client:
    user = client.check_read_access()
user.username
"""
CELLS = pytest.mark.parametrize("call", [ASYNCHRONOUS, SYNCHRONOUS], ids=["async", "sync"])


class Anchors(HTMLParser):
    """The links of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def shown_in(data: dict[str, str]) -> re.Match[str]:
    """Make sure that both forms of a message say the same."""
    assert data.keys() == {"text/plain", "text/html"}
    plain = SAYS.fullmatch(f"\n{data['text/plain']}\n\n")
    assert plain is not None, data
    page = Anchors(data["text/html"])
    link = {"href": plain["link"], "target": "_blank", "rel": "noopener noreferrer"}
    assert page.tags == [("p", {}), ("a", link)]
    assert page.text == " ".join(data["text/plain"].split())
    return plain


@CELLS
def test_a_cell_shows_a_link_and_goes_on_once_approved(call: str, notebook: Notebook) -> None:
    cell = notebook.run("auth = DeviceFlow(config, 'n', cache=None)" + call)
    approve(shown_in(notebook.message(cell, "display_data")["data"])["link"])
    assert notebook.result(cell) == "'ann'"


def test_what_a_realm_says_is_text_in_a_notebook(notebook: Notebook, sandbox: Sandbox) -> None:
    answer = {
        "device_code": "a-device-code",
        "user_code": "<b>&amp;",
        "verification_uri": "http://127.0.0.1/device",
        "verification_uri_complete": "http://127.0.0.1/device?a='\"<b>&lt=1",
        "expires_in": 600,
        "interval": 0.01,
    }
    sandbox.faults.add("device_authorization", answering(answer))
    sandbox.faults.add("token", answering(TOKENS))
    cell = notebook.run("DeviceFlow(config, 'n', cache=None).get_token()")
    data = notebook.message(cell, "display_data")["data"]
    page = Anchors(data["text/html"])
    link = "http://127.0.0.1/device?a='%22%3Cb%3E&lt=1"
    assert [tag for tag, _ in page.tags] == ["p", "a"]
    assert page.tags[1][1]["href"] == link
    assert page.text == " ".join(data["text/plain"].split())
    assert f"open {link} and make sure that it shows the code <b>&amp;. There" in page.text
    assert notebook.result(cell) == "'an-access-token'"


@CELLS
def test_a_notebook_that_is_run_through_has_nobody_to_ask(
    call: str, notebook: Notebook, sandbox: Sandbox
) -> None:
    cell = notebook.run("auth = DeviceFlow(config, 'n', cache=None)" + call, allow_stdin=False)
    error = notebook.message(cell, "error")
    assert error["ename"] == "CredentialsError"
    assert "In a batch job use OfflineFlow" in error["evalue"]
    assert sandbox.requests == []


def test_a_notebook_in_a_ci_run_has_nobody_to_ask_unless_the_user_says_so(
    notebook: Notebook, sandbox: Sandbox
) -> None:
    cell = notebook.run("os.environ['CI'] = 'true'; DeviceFlow(config, 'n').get_token()")
    assert "In a batch job use OfflineFlow" in notebook.message(cell, "error")["evalue"]
    assert sandbox.requests == []
    settings = "cache=None, interactive=True"
    cell = notebook.run(
        f"auth = DeviceFlow(config, 'n', {settings}){SYNCHRONOUS}", allow_stdin=False
    )
    approve(shown_in(notebook.message(cell, "display_data")["data"])["link"])
    assert notebook.result(cell) == "'ann'"


def test_a_cell_that_was_interrupted_shows_the_same_login_when_it_is_run_again(
    notebook: Notebook,
) -> None:
    cell = notebook.run(f"auth = DeviceFlow(config, 'n', cache=None){SYNCHRONOUS}")
    first = shown_in(notebook.message(cell, "display_data")["data"])
    notebook.interrupt()
    assert notebook.message(cell, "error")["ename"] == "KeyboardInterrupt"
    cell = notebook.run(SYNCHRONOUS)
    second = shown_in(notebook.message(cell, "display_data")["data"])
    assert second["link"] == first["link"]
    approve(second["link"])
    assert notebook.result(cell) == "'ann'"


def test_a_notebook_opens_no_browser_on_the_machine_of_its_kernel_unless_told_to(
    browser: Browser, notebook: Notebook
) -> None:
    links = []
    for settings in ("", ", open_browser=True"):
        cell = notebook.run(
            f"os.environ['DISPLAY'] = ':0'\n"
            f"auth = DeviceFlow(config, 'n', cache=None{settings}){SYNCHRONOUS}"
        )
        links.append(shown_in(notebook.message(cell, "display_data")["data"])["link"])
        approve(links[-1])
        assert notebook.result(cell) == "'ann'"
        cell = notebook.run(
            "[t.join(10) for t in threading.enumerate() if t.name == 'prov-facade browser']; 0"
        )
        assert notebook.result(cell) == "0"
    assert browser.links() == links[1:]


# In an application


def test_an_application_shows_it_in_its_own_way_and_nothing_else_does(
    browser: Browser, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[DeviceLogin] = []

    def show(login: DeviceLogin) -> None:
        shown.append(login)
        approve(login.link)

    monkeypatch.setenv("DISPLAY", ":0")
    with terminal() as (screen, stream):
        with redirect_stderr(stream):
            DeviceFlow(sandbox.config, CLIENT, cache=None, prompt=show).get_token()
        stream.close()
        assert screen.all() == ""
    assert len(shown) == 1
    assert shown[0].link == shown[0].verification_uri_complete
    assert LINK.fullmatch(shown[0].link)
    assert shown[0].verification_uri == shown[0].link.partition("?")[0]
    assert shown[0].user_code in shown[0].link
    assert shown[0].expires_in == sandbox.realm.device_lifetime
    for thread in threading.enumerate():
        if thread.name == "prov-facade browser":
            thread.join(10)
    assert browser.links() == []


def test_an_application_needs_no_terminal(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")

    def show(login: DeviceLogin) -> None:
        approve(login.link)

    with redirect_stderr(closed()):
        assert DeviceFlow(sandbox.config, CLIENT, cache=None, prompt=show).get_token()
    sandbox.clear_requests()
    refuses(sandbox, prompt=show, interactive=False)


def test_a_notebook_leaves_it_to_an_application(notebook: Notebook) -> None:
    cell = notebook.run(
        f"auth = DeviceFlow(config, 'n', cache=None, prompt=lambda it: print(it)){SYNCHRONOUS}",
        allow_stdin=False,
    )
    shown = SAYS.fullmatch(f"\n{notebook.message(cell, 'stream')['text']}\n")
    assert shown is not None
    approve(shown["link"])
    assert notebook.result(cell) == "'ann'"
