"""How much the client's memory grows with the files that it saves and sends.

The server streams to and from a process of its own; the client's resident memory is read before
each call and at its highest within. The bounds are what the project claims: this fails above them.
"""

from __future__ import annotations

import asyncio
import io
import multiprocessing
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

from prov_facade import APIOverrides, BearerToken, Config, ProvClient

MEGABYTE = 1_000_000
SIZE = 500 * MEGABYTE
BOUND = 30 * MEGABYTE
PIECE = 256 * 1024
ROW = b"10378.1/10,Reef temperature,hourly,10378.1/1955001,2026-01-01 00:00:00+00:00,,,,\n"
DOCX = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document"
CONVERTED = b'{"status": {"success": true, "details": "Converted."}, "new_records": []}'
REQUEST = {"id": "10378.1/40", "item_subtype": "MODEL_RUN", "depth": 1}


class Unseekable(io.RawIOBase):
    """Keeps what a ZIP archive writes until it is asked for."""

    def __init__(self) -> None:
        self.waiting: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.waiting.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        taken, self.waiting = b"".join(self.waiting), []
        return taken


def rows() -> Iterator[bytes]:
    """The pieces of a CSV file."""
    piece = ROW * (PIECE // len(ROW))
    for _ in range(SIZE // len(piece) + 1):
        yield piece


def document() -> Iterator[bytes]:
    """The pieces of a Word document: stored, since what is compressed would be small."""
    out = Unseekable()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("word/media/map.png", "w", force_zip64=True) as picture:
            for piece in rows():
                picture.write(piece)
                yield out.taken()
    yield out.taken()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request on a connection until the client closes it."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:-2])
            left = int(fields.get(b"content-length", b"0"))
            while left:
                left -= len(await reader.read(min(left, PIECE)))
            if b"/csv" in head and b"convert" in head:
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                    b"content-length: %d\r\n\r\n%b" % (len(CONVERTED), CONVERTED)
                )
                continue
            kind, pieces = (b"text/csv", rows()) if b"csv" in head else (DOCX, document())
            writer.write(
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: %b\r\n\r\n" % kind
            )
            for piece in pieces:
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b"")
                await writer.drain()
            writer.write(b"0\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def serve(pipe: Connection) -> None:
    """Run the server until the other end of a pipe is closed; say where it listens."""

    async def serving() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
            pipe.send(listening.sockets[0].getsockname()[1])
            await asyncio.to_thread(pipe.poll, None)

    asyncio.run(serving())


@contextmanager
def server() -> Iterator[str]:
    """Run the server in a process of its own and say where it listens."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there,), daemon=True)
    process.start()
    there.close()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        here.send(None)
        process.join()


def resident() -> int:
    """The resident memory of this process, in bytes."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096


@contextmanager
def growth() -> Iterator[list[int]]:
    """Measure how much memory grows at most; the list holds it at the end."""
    found: list[int] = []
    over = threading.Event()
    begun = highest = resident()

    def watch() -> None:
        nonlocal highest
        while not over.wait(0.002):
            highest = max(highest, resident())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
        found.append(max(highest, resident()) - begun)


async def longest_pause(work: Awaitable[object]) -> float:
    """Run something; the longest time that other tasks had to wait meanwhile, in seconds."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - begun)

    ticking = asyncio.ensure_future(tick())
    try:
        await work
    finally:
        ticking.cancel()
    return longest


async def measured(
    url: str, folder: Path, transport: Literal["aiohttp"] | None
) -> dict[str, tuple[int, int, float, float]]:
    """Make each call once: bytes, growth, seconds, longest pause."""
    config = Config("prov.test", "provena", APIOverrides(prov_api_endpoint_override=url))
    async with ProvClient(BearerToken("token"), config, transport=transport) as client:
        await client.convert_model_runs_to_csv("")  # what is loaded once is not counted
        report, table = folder / "report.docx", folder / "table.csv"
        calls: dict[str, tuple[Path, Callable[[], Awaitable[object]]]] = {
            "download_report": (report, lambda: client.download_report(REQUEST, report)),
            "save_csv_from_batch": (table, lambda: client.save_csv_from_batch("b", table)),
            "convert_model_runs_file": (table, lambda: client.convert_model_runs_file(table)),
        }
        figures = {}
        for name, (path, call) in calls.items():
            begun = time.perf_counter()
            with growth() as grown:
                pause = await longest_pause(call())
            seconds = time.perf_counter() - begun
            figures[name] = (path.stat().st_size, grown[0], seconds, pause)
        report.unlink()
        table.unlink()
    return figures


def main() -> None:
    if not Path("/proc/self/statm").exists():
        print("the resident memory is read from /proc, which this system does not have")
        return
    too_much = []
    transports: list[Literal["aiohttp"] | None] = [None, "aiohttp"]
    with server() as url, tempfile.TemporaryDirectory() as folder:
        for transport in transports:
            print(f"growth of resident memory, at most {BOUND / MEGABYTE:.0f} MB")
            print(f"  over {transport or 'httpx'}")
            figures = asyncio.run(measured(url, Path(folder), transport))
            for name, (size, grown, seconds, pause) in figures.items():
                print(
                    f"  {name:24} {size / MEGABYTE:5.0f} MB in {seconds:5.1f} s"
                    f"   + {grown / MEGABYTE:5.1f} MB   longest pause {pause * 1000:6.1f} ms"
                )
                if grown >= BOUND or size < SIZE:
                    too_much.append(name)
    if too_much:
        sys.exit(f"too much: {', '.join(too_much)}")


if __name__ == "__main__":
    main()
