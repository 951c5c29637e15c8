"""Tracebacks are short: they show the caller's line and the error, but no inner frames."""

from __future__ import annotations

import asyncio

import pytest
from IPython.core.interactiveshell import InteractiveShell
from python_process import run_python

SETUP = """
import asyncio
import sys
import traceback
from prov_facade import *
from prov_facade.sandbox import Sandbox

sandbox = Sandbox().start()
unreachable = Config("prov.test", "r", APIOverrides(prov_api_endpoint_override="http://127.0.0.1:9"))
once = RetryPolicy.none()
impatient = PollPolicy(not_found_grace=0, deadline=0)
record = {
    "workflow_template_id": "10378.1/1",
    "display_name": "run",
    "description": "run",
    "inputs": [],
    "outputs": [],
    "associations": {"modeller_id": "10378.1/2"},
    "start_time": 1,
    "end_time": 2,
}

def failing_token():
    raise KeyError("token")

async def failing_async_token():
    raise KeyError("token")

class BrokenModel:
    def model_dump(self, **options):
        raise KeyError("model")

def broken_records():
    yield sync.explore_upstream("nothing")

async def register(client, **settings):
    async for result in client.register_many([record], **settings):
        print(result)

def a_sync(auth=None, config=None, **settings):
    return SyncProvClient(auth or sandbox.auth("read"), config or sandbox.config, **settings)

def an_async(auth=None, config=None, **settings):
    return ProvClient(auth or sandbox.auth("read"), config or sandbox.config, **settings)

def refused(make, **settings):
    return make(BearerToken("token"), unreachable, retries=once, **settings)

sync = a_sync()
client = an_async()
"""

CALLS = {
    "an error status": "sync.explore_upstream('nothing')",
    "a missing role": "sync.register_model_run(record)",
    "a refused connection": "refused(a_sync).explore_upstream('1')",
    "an invalid argument": "sync.explore_upstream('1', depth='2')",
    "a refused registration": "list(sync.register_many([record]))",
    "a registration without a connection": (
        "list(refused(a_sync).register_many([record], polling=impatient))"
    ),
    "an unknown job": "sync.jobs.wait('1', polling=impatient)",
    "a failing token function": "a_sync(BearerToken(failing_token)).explore_upstream('1')",
}
ASYNC_CALLS = {
    "an error status": "client.explore_upstream('nothing')",
    "a missing role": "client.register_model_run(record)",
    "a refused connection": "refused(an_async).explore_upstream('1')",
    "a refused connection, aiohttp": "refused(an_async, transport='aiohttp').explore_upstream('1')",
    "an invalid argument": "client.explore_upstream('1', depth='2')",
    "a refused registration": "register(client)",
    "a registration without a connection": "register(refused(an_async), polling=impatient)",
    "an unknown job": "client.jobs.wait('1', polling=impatient)",
    "a failing token function": "an_async(BearerToken(failing_token)).explore_upstream('1')",
    "a failing coroutine function": (
        "an_async(BearerToken(failing_async_token)).explore_upstream('1')"
    ),
}
SCRIPT_CALLS = {
    **{f"sync, {name}": call for name, call in CALLS.items()},
    **{f"async, {name}": f"asyncio.run({call})" for name, call in ASYNC_CALLS.items()},
}
CALLER_CODE = {
    "a model": ("sync.register_model_run(BrokenModel())", "model_dump"),
    "an iterator": ("list(sync.register_many(broken_records()))", "broken_records"),
    "a function": ("a_sync(BearerToken(failing_token)).explore_upstream('1')", "failing_token"),
}
FOREIGN = ("httpcore/", "httpx/", "tenacity", "concurrent/futures", "contextlib.py", "retrying.py")
END = "end of the traceback"


@pytest.fixture(scope="module")
def tracebacks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Make all calls in a script.

    Returns:
        For each call, the lines of its traceback, without the frames of asyncio's runner.
    """
    calls = [*SCRIPT_CALLS.values(), *(call for call, _ in CALLER_CODE.values())]
    blocks = [
        f"try:\n    {call}\nexcept ProvError:\n    traceback.print_exc()\n"
        f"    print({END!r}, file=sys.stderr)"
        for call in calls
    ]
    path = tmp_path_factory.mktemp("tracebacks") / "script.py"
    path.write_text("\n".join([SETUP, *blocks, "sandbox.stop()"]))
    parts = run_python(str(path)).stderr.split(f"{END}\n")
    assert parts.pop() == ""
    return {call: _without_runner(part) for call, part in zip(calls, parts, strict=True)}


def _without_runner(text: str) -> list[str]:
    lines: list[str] = []
    in_runner = False
    for line in text.splitlines():
        if not line.startswith("    "):
            in_runner = line.startswith(f'  File "{asyncio.__path__[0]}')
        if not in_runner:
            lines.append(line)
    return lines


@pytest.mark.parametrize("call", SCRIPT_CALLS.values(), ids=SCRIPT_CALLS)
def test_a_traceback_in_a_script_has_at_most_fifteen_lines(
    call: str, tracebacks: dict[str, list[str]]
) -> None:
    lines = tracebacks[call]
    assert lines[-1].startswith("prov_facade.errors.")
    assert len(lines) <= 15, "\n".join(lines)
    assert not [line for line in lines if any(name in line for name in FOREIGN)]


@pytest.mark.parametrize(("call", "name"), CALLER_CODE.values(), ids=CALLER_CODE)
def test_frames_of_the_callers_code_are_kept(
    call: str, name: str, tracebacks: dict[str, list[str]]
) -> None:
    assert any(line.endswith(f", in {name}") for line in tracebacks[call])


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
