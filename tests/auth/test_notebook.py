"""Logins in the cells of a real kernel."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from auth.screens import ENVIRONMENT, LOGIN, approve
from auth.support import TOKENS, responding
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from prov_facade.sandbox import Sandbox

pytestmark = pytest.mark.stress

VISIBLE = ("display_data", "update_display_data", "error", "execute_result", "stream")


class Notebook:
    """A kernel that runs cells.

    Args:
        folder: The directory for its files.
    """

    def __init__(self, folder: Path) -> None:
        self._manager = KernelManager(
            connection_file=str(folder / "kernel.json"),
            # The kernel of this Python, not of another installation.
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
        )
        environ = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
        settings = {"HOME": str(folder), "IPYTHONDIR": str(folder / "ipython")}
        self._manager.start_kernel(env={**environ, **settings})
        self._client = self._manager.client()
        self._client.start_channels()

    def wait_until_ready(self) -> None:
        self._client.wait_for_ready(timeout=30)

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def run(self, code: str, *, allow_stdin: bool = True) -> str:
        """Start a cell, and return the id that its messages refer to."""
        return str(self._client.execute(code, allow_stdin=allow_stdin, stop_on_error=False))

    def interrupt(self) -> None:
        self._manager.interrupt_kernel()

    def message(self, cell: str, kind: str) -> dict[str, Any]:
        """Return the next visible message, which must be of this kind and cell."""
        while True:
            message = self._client.get_iopub_msg(timeout=15)
            content: dict[str, Any] = message["content"]
            if message["msg_type"] in VISIBLE:
                assert message["msg_type"] == kind, content
                assert message["parent_header"]["msg_id"] == cell
                return content

    def result(self, cell: str) -> str:
        return str(self.message(cell, "execute_result")["data"]["text/plain"])


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a display."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    notebook = Notebook(tmp_path_factory.mktemp("notebook"))
    try:
        notebook.wait_until_ready()
        yield notebook
    finally:
        notebook.close()


@pytest.fixture
def notebook(kernel: Notebook, sandbox: Sandbox) -> Notebook:
    """A kernel in the test's environment, with the package imported and a config."""
    config = sandbox.config
    cell = kernel.run(f"""
import os
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


class Page(HTMLParser):
    """The tags and the text of a page."""

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


def displayed(data: dict[str, str]) -> re.Match[str]:
    """Check that the plain and the HTML form of a login agree."""
    assert data.keys() == {"text/plain", "text/html"}
    plain = LOGIN.fullmatch(f"\n{data['text/plain']}\n\n")
    assert plain is not None, data
    page = Page(data["text/html"])
    link = {"href": plain["link"], "target": "_blank", "rel": "noopener noreferrer"}
    assert page.tags == [("p", {}), ("a", link)]
    assert page.text == " ".join(data["text/plain"].split())
    return plain


@CELLS
def test_a_cell_shows_the_login_and_continues_once_approved(call: str, notebook: Notebook) -> None:
    cell = notebook.run("auth = DeviceFlow(config, 'n', cache=None)" + call)
    approve(displayed(notebook.message(cell, "display_data")["data"])["link"])
    assert notebook.result(cell) == "'ann'"


def test_markup_from_the_realm_is_escaped(notebook: Notebook, sandbox: Sandbox) -> None:
    response = {
        "device_code": "a-device-code",
        "user_code": "<b>&amp;",
        "verification_uri": "http://127.0.0.1/device",
        "verification_uri_complete": "http://127.0.0.1/device?a='\"<b>&lt=1",
        "expires_in": 600,
        "interval": 0.01,
    }
    sandbox.faults.add("device_authorization", responding(response))
    sandbox.faults.add("token", responding(TOKENS))
    cell = notebook.run("DeviceFlow(config, 'n', cache=None).get_token()")
    data = notebook.message(cell, "display_data")["data"]
    page = Page(data["text/html"])
    link = "http://127.0.0.1/device?a='%22%3Cb%3E&lt=1"
    assert [tag for tag, _ in page.tags] == ["p", "a"]
    assert page.tags[1][1]["href"] == link
    assert page.text == " ".join(data["text/plain"].split())
    assert f"open {link} and check that it shows the code <b>&amp;. The code" in page.text
    assert notebook.result(cell) == "'an-access-token'"


@CELLS
def test_a_notebook_executed_by_a_program_refuses_a_login(
    call: str, notebook: Notebook, sandbox: Sandbox
) -> None:
    cell = notebook.run("auth = DeviceFlow(config, 'n', cache=None)" + call, allow_stdin=False)
    error = notebook.message(cell, "error")
    assert error["ename"] == "CredentialsError"
    assert "In a batch job, use OfflineFlow" in error["evalue"]
    assert sandbox.requests == []


def test_a_notebook_in_a_ci_job_refuses_a_login_unless_interactive(
    notebook: Notebook, sandbox: Sandbox
) -> None:
    cell = notebook.run("os.environ['CI'] = 'true'; DeviceFlow(config, 'n').get_token()")
    assert "In a batch job, use OfflineFlow" in notebook.message(cell, "error")["evalue"]
    assert sandbox.requests == []
    settings = "cache=None, interactive=True"
    cell = notebook.run(
        f"auth = DeviceFlow(config, 'n', {settings}){SYNCHRONOUS}", allow_stdin=False
    )
    approve(displayed(notebook.message(cell, "display_data")["data"])["link"])
    assert notebook.result(cell) == "'ann'"


def test_an_interrupted_cell_shows_the_same_login_when_run_again(
    notebook: Notebook,
) -> None:
    cell = notebook.run(f"auth = DeviceFlow(config, 'n', cache=None){SYNCHRONOUS}")
    first = displayed(notebook.message(cell, "display_data")["data"])
    notebook.interrupt()
    assert notebook.message(cell, "error")["ename"] == "KeyboardInterrupt"
    cell = notebook.run(SYNCHRONOUS)
    second = displayed(notebook.message(cell, "display_data")["data"])
    assert second["link"] == first["link"]
    approve(second["link"])
    assert notebook.result(cell) == "'ann'"


def test_a_notebook_opens_a_browser_only_if_requested(notebook: Notebook) -> None:
    links = []
    for settings in ("", ", open_browser=True"):
        cell = notebook.run(
            "import webbrowser; webbrowser.open = print\n"
            "os.environ['DISPLAY'] = ':0'\n"
            f"auth = DeviceFlow(config, 'n', cache=None{settings}){SYNCHRONOUS}"
        )
        links.append(displayed(notebook.message(cell, "display_data")["data"])["link"])
        if settings:
            assert notebook.message(cell, "stream")["text"] == f"{links[-1]}\n"
        approve(links[-1])
        assert notebook.result(cell) == "'ann'"


def test_a_prompt_function_replaces_the_display(notebook: Notebook) -> None:
    cell = notebook.run(
        f"auth = DeviceFlow(config, 'n', cache=None, prompt=lambda it: print(it)){SYNCHRONOUS}",
        allow_stdin=False,
    )
    shown = LOGIN.fullmatch(f"\n{notebook.message(cell, 'stream')['text']}\n")
    assert shown is not None
    approve(shown["link"])
    assert notebook.result(cell) == "'ann'"
