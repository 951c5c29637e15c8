"""How long a thousand calls at once take, with httpx's own transport and with aiohttp's.

Model runs are registered over loopback, at a server of a process of its own that does no more than
to answer. The figures of one run can be compared with each other, and not with those of others.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from typing import Literal

from prov_facade import (
    APIOverrides,
    AssociationInfo,
    BearerToken,
    Config,
    ModelRunRecord,
    ProvClient,
    RetryPolicy,
)

CALLS = 1000
ROUNDS = 3
KINDS: tuple[Literal["aiohttp"] | None, ...] = (None, "aiohttp")
RECORD = ModelRunRecord(
    workflow_template_id="10378.1/1769847",
    display_name="Reef temperature, January",
    description="Sea surface temperature over the northern reef",
    inputs=[],
    outputs=[],
    associations=AssociationInfo(modeller_id="10378.1/1955001"),
    start_time=1_767_225_600,
    end_time=1_767_229_200,
)
ANSWER = b'{"status": {"success": true, "details": ""}, "session_id": "1"}'
HEAD = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(ANSWER)}\r\n\r\n"


async def serve() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                writer.write(HEAD.encode() + ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def fan_out(url: str, kind: Literal["aiohttp"] | None) -> float:
    """Return the seconds that a thousand calls take, once connections are open."""
    config = Config("localhost", "bench", APIOverrides(prov_api_endpoint_override=url))
    async with ProvClient(
        BearerToken("a-token"), config, transport=kind, retries=RetryPolicy.none(), timeout=60
    ) as client:
        for _ in range(2):  # the first time, to open connections
            begun = time.perf_counter()
            await asyncio.gather(*(client.register_model_run(RECORD) for _ in range(CALLS)))
            taken = time.perf_counter() - begun
        return taken


def main() -> None:
    with subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        taken: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for kind in KINDS:
                taken.setdefault(kind or "httpx", []).append(asyncio.run(fan_out(url, kind)))
        server.terminate()
    print(f"{CALLS} registrations at once, median of {ROUNDS} rounds")
    for name, seconds in taken.items():
        print(f"  {name:8} {statistics.median(seconds):6.2f} s, at best {min(seconds):6.2f} s")
    ratio = statistics.median(taken["httpx"]) / statistics.median(taken["aiohttp"])
    print(f"  httpx takes {ratio:.1f} times as long")


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    else:
        main()
