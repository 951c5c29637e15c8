"""A script that uses the client prints nothing to its error output."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from clients import TOKEN
from python_process import run_python
from sample_calls import LINEAGE
from scripted_server import Server, json_reply

PREAMBLE = f"""
import asyncio, gc, logging, sys
from prov_facade import APIOverrides, BearerToken, Config, ConfigError, ProvClient

config = Config("prov.test", "r", APIOverrides(prov_api_endpoint_override=sys.argv[1]))
client = ProvClient(BearerToken("{TOKEN}"), config)

# In debug mode, asyncio reports steps of 0.1 s or more. On a busy machine, any step may take that.
logging.getLogger("asyncio").addFilter(lambda record: "took" not in record.msg)

async def work():
    await asyncio.gather(*(client.explore_upstream("1") for _ in range(3)))
"""
SCRIPTS = {
    "not closed": """
for _ in range(3):
    asyncio.run(work())
""",
    "aclose": """
async def closing():
    await work()
    await client.aclose()
for _ in range(3):
    asyncio.run(closing())
""",
    "async with": """
async def within():
    async with client:
        await work()
for _ in range(3):
    asyncio.run(within())
""",
    "dropped": """
async def dropping():
    global client
    await work()
    client = None
    gc.collect()
    await asyncio.sleep(0.05)
asyncio.run(dropping())
""",
    "dropped after the loop": """
asyncio.run(work())
del client
gc.collect()
""",
    "unused": "pass",
    "error": """
async def failing():
    await work()
    raise SystemExit(0)
asyncio.run(failing())
""",
    "cancelled": """
async def cancelling():
    await work()
    call = asyncio.create_task(work())
    await asyncio.sleep(0)
    call.cancel()
asyncio.run(cancelling())
""",
    "threads": """
import threading
threads = [threading.Thread(target=lambda: asyncio.run(work())) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
""",
    "runner": """
with asyncio.Runner() as runner:
    runner.run(work())
    runner.run(work())
""",
    "certificates": """
import os
os.environ["SSL_CERT_FILE"] = "/nowhere/missing.pem"
try:
    asyncio.run(work())
except ConfigError as error:
    assert "no connection can be set up" in str(error)
else:
    import httpx
    # This version ignores a missing file.
    assert httpx.__version__.startswith("0.27.")
""",
}


@dataclass(frozen=True)
class Outcome:
    """The outcome of a script."""

    status: int
    printed: str
    all_closed: bool


def outcome(script: str, preamble: str = PREAMBLE) -> Outcome:
    with Server(json_reply(LINEAGE)) as server:
        done = run_python("-X", "dev", "-W", "error", "-c", preamble + script, server.url)
        printed = done.stdout + done.stderr
        return Outcome(done.returncode, printed, server.saw_closing(server.opened))


BY_DEFAULT = {"not closed", "async with", "cancelled", "certificates"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in BY_DEFAULT else pytest.mark.stress) for n in SCRIPTS],
)
def test_a_script_ends_without_a_warning(name: str) -> None:
    assert outcome(SCRIPTS[name]) == Outcome(status=0, printed="", all_closed=True)
