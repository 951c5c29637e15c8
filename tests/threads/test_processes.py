"""A client after a fork, and at the exit of a process."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from clients import TOKEN
from facade.test_warnings import Outcome, outcome
from python_process import run_python
from sample_calls import LINEAGE_REPLY, UNAUTHORIZED
from scripted_server import Received, Server

FORK_SCRIPT = Path(__file__).parent / "fork_script.py"
FIRST_USE_SCRIPT = Path(__file__).parent / "first_use_script.py"

PREAMBLE = f"""
import asyncio, gc, logging, sys, threading
from prov_facade import APIOverrides, BearerToken, Config, SyncProvClient

config = Config("prov.test", "r", APIOverrides(prov_api_endpoint_override=sys.argv[1]))
client = SyncProvClient(BearerToken("{TOKEN}"), config)

# In debug mode asyncio reports every step that takes 0.1 s; steps that make calls do.
logging.getLogger("asyncio").addFilter(lambda record: "took" not in record.msg)

def work():
    for _ in range(3):
        client.explore_upstream("1")
"""
SCRIPTS = {
    "left open": "work()",
    "closed": "work(); client.close()",
    "with": """
for _ in range(3):
    with client:
        work()
""",
    "deleted": "work(); del client",
    "in a cycle": """
client.itself = client
work()
del client
gc.collect()
""",
    "error": "work(); raise SystemExit(0)",
    "threads": """
threads = [threading.Thread(target=work) for _ in range(5)]
for thread in threads: thread.start()
for thread in threads: thread.join()
""",
    "a thread that outlives the main one": """
threading.Thread(target=work).start()
""",
    "in a loop": """
async def main():
    work()
asyncio.run(main())
""",
    "an unfinished list": """
jobs = client.jobs.list()
work()
""",
    "unused": "pass",
}


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    """Run every script once, all at the same time."""

    def run_script(script: str) -> Outcome:
        return outcome(script, PREAMBLE)

    with ThreadPoolExecutor(len(SCRIPTS)) as threads:
        return dict(zip(SCRIPTS, threads.map(run_script, SCRIPTS.values()), strict=True))


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_ends_without_output(name: str, outcomes: dict[str, Outcome]) -> None:
    assert outcomes[name] == Outcome(status=0, printed="", all_closed=True)


def test_msgspec_inspects_every_model_before_threads_can_use_it() -> None:
    done = run_python("-W", "error", str(FIRST_USE_SCRIPT))
    assert (done.stdout, done.stderr) == ("done\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize(
    "case",
    [
        "between calls",
        pytest.param("during calls", marks=pytest.mark.stress),
        pytest.param("during a renewal", marks=pytest.mark.stress),
    ],
)
def test_a_client_works_after_a_fork(case: str, server: Server) -> None:
    def respond(request: Received) -> bytes:
        if case == "during a renewal" and not (request.token or "").endswith("-1"):
            return UNAUTHORIZED
        return LINEAGE_REPLY.replace(b"10378.1/40", request.query["starting_id"].encode())

    server.response = respond
    done = run_python("-W", "error", str(FORK_SCRIPT), server.url, case)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert set(done.stdout.split()) == {"child", "parent"}
