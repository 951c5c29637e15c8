"""Tracebacks are short: they show the caller's line and the error, but no inner frames."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell
from python_process import run_python

SETUP = """
from prov_facade import *
from prov_facade.sandbox import Sandbox
sandbox = Sandbox().start()
unreachable = Config("prov.test", "r", APIOverrides(prov_api_endpoint_override="http://127.0.0.1:9"))
once = RetryPolicy.none()
sync = SyncProvClient(sandbox.auth("read"), sandbox.config)
refused = SyncProvClient(BearerToken("token"), unreachable, retries=once)
client = ProvClient(sandbox.auth("read"), sandbox.config)
"""

CALLS = {
    "an error status": "sync.explore_upstream('nothing')",
    "a refused connection": "refused.explore_upstream('1')",
    "an invalid argument": "sync.explore_upstream('1', depth='2')",
}
FOREIGN = ("httpcore/", "httpx/", "tenacity", "concurrent/futures", "contextlib.py", "retrying.py")


def script(call: str) -> list[str]:
    """Run a script, and return the lines of its traceback."""
    found = run_python("-c", f"{SETUP}\ntry:\n    {call}\nfinally:\n    sandbox.stop()")
    lines = found.stderr.splitlines()
    assert lines[-1].startswith("prov_facade.errors."), found.stderr
    return lines


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_traceback_in_a_script_has_at_most_fifteen_lines(call: str) -> None:
    lines = script(call)
    assert len(lines) <= 15
    assert not [line for line in lines if any(name in line for name in FOREIGN)]


def test_frames_of_the_callers_code_are_kept() -> None:
    model = "exec('class M:\\n  def model_dump(self, **_): return {}[1]')"
    call = f"{model}; sync.register_model_run(M())"
    lines = script(call)
    assert any("in model_dump" in line for line in lines)
    assert "KeyError: 1" in lines


def test_the_asynchronous_client_adds_at_most_ten_lines() -> None:
    call = "import asyncio; asyncio.run(client.explore_upstream('nothing'))"
    lines = script(call)
    ours = next(number for number, line in enumerate(lines) if "prov_facade" in line)
    assert len(lines) - ours <= 10
    assert not [line for line in lines if any(name in line for name in FOREIGN)]


@pytest.mark.parametrize(
    "cell", [*CALLS.values(), "await client.explore_upstream('nothing')"], ids=[*CALLS, "await"]
)
def test_a_traceback_in_a_notebook_has_at_most_twenty_five_lines(
    cell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = InteractiveShell.instance(colors="nocolor")
    shell.run_cell(SETUP).raise_error()
    try:
        capsys.readouterr()
        assert shell.run_cell(cell).error_in_exec is not None
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) <= 25
        assert "prov_facade" in lines[-1] or "Error: " in lines[-1]
    finally:
        shell.run_cell("sandbox.stop()")
        InteractiveShell.clear_instance()
