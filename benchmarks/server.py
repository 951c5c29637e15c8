"""The local server of the benchmarks: a bare asyncio protocol, in a separate process.

It responds immediately, so that figures measure the client. ``python -m benchmarks.server BYTES``
prints the port that it listens on. The files that it sends have at least ``BYTES`` bytes.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

from benchmarks.sides.data import LINEAGE, REGISTERED, SUCCESS, records, table

DOCX = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def response(value: Any) -> bytes:
    body = json.dumps(value).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


READ = response(LINEAGE)
WRITTEN = response(REGISTERED)
CONVERTED = response({"status": SUCCESS, "new_records": []})


class Batches:
    """Accepts batches, and deletes each one when its jobs have been listed."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._records: dict[str, list[Any]] = {}

    def register(self, body: bytes) -> Any:
        session_id = f"s{next(self._numbers)}"
        self._records[session_id] = json.loads(body)["records"]
        return {"status": SUCCESS, "session_id": session_id}

    def fetch(self, session_id: str) -> Any:
        result = {"batch_id": session_id}
        return {
            "status": SUCCESS,
            "job": self._job(session_id, "MODEL_RUN_BATCH_SUBMIT", {}, result),
        }

    def list(self, body: bytes) -> Any:
        jobs = [self._registered(it) for it in self._records.pop(json.loads(body)["batch_id"])]
        return {"status": SUCCESS, "jobs": jobs, "pagination_key": None}

    def _registered(self, record: Any) -> Any:
        handle = f"10378.1/{next(self._numbers)}"
        result = {"record": {"id": handle, "prov_json": "{}", "record": record}}
        return self._job(f"j{handle}", "MODEL_RUN_PROV_LODGE", {"record": record}, result)

    def _job(self, session_id: str, kind: str, payload: Any, result: Any) -> Any:
        return {
            "session_id": session_id,
            "created_timestamp": 1_767_225_600,
            "username": "u",
            "batch_id": None,
            "payload": payload,
            "job_type": "PROV_LODGE",
            "job_sub_type": kind,
            "gsi_status": "ok",
            "status": "SUCCEEDED",
            "info": None,
            "result": result,
        }


class Unseekable(io.RawIOBase):
    """An unseekable buffer for the output of a ZIP archive."""

    def __init__(self) -> None:
        self._buffered: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._buffered.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken, self._buffered = b"".join(self._buffered), []
        return taken


def document(size: int) -> Iterator[bytes]:
    """Yield the pieces of a Word document, uncompressed so that it reaches ``size``."""
    out = Unseekable()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("word/media/map.png", "w", force_zip64=True) as picture:
            for piece in table(size):
                picture.write(piece)
                yield out.take()
    yield out.take()


class Protocol(asyncio.Protocol):
    """One connection."""

    def __init__(self, batches: Batches, size: int) -> None:
        self._batches = batches
        self._size = size
        self._received = bytearray()
        self._head = b""
        self._left = 0
        self._pieces: Iterator[bytes] = iter(())
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._send_pieces()

    def data_received(self, data: bytes) -> None:
        self._received += data
        while self._request_complete():
            body = bytes(self._received[: self._left])
            del self._received[: self._left]
            head, self._head = self._head, b""
            self._respond(head.split(b" ", 2)[1].decode(), body)

    def _request_complete(self) -> bool:
        if not self._head:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return False
            self._head = bytes(self._received[:end]).lower()
            del self._received[: end + 4]
            _, named, rest = self._head.partition(b"\r\ncontent-length:")
            assert b"transfer-encoding" not in self._head
            self._left = int(rest.partition(b"\r\n")[0]) if named else 0
        if b"/convert_model_runs/" in self._head:  # discard uploads, which can be large
            ignored = min(self._left, len(self._received))
            del self._received[:ignored]
            self._left -= ignored
            return not self._left
        return len(self._received) >= self._left

    def _respond(self, target: str, body: bytes) -> None:
        write = self._transport.write
        if target.startswith("/explore/upstream"):
            write(READ)
        elif target == "/model_run/register":
            write(WRITTEN)
        elif target.startswith("/bulk/convert_model_runs/"):
            write(CONVERTED)
        elif target == "/model_run/register_batch":
            write(response(self._batches.register(body)))
        elif "/fetch" in target:
            write(response(self._batches.fetch(target.partition("session_id=")[2])))
        elif target.startswith("/job-api/"):
            write(response(self._batches.list(body)))
        elif target.startswith("/records/"):
            write(response(records(target.rpartition("/")[2])))
        elif "report" in target:
            self._send(DOCX, document(self._size))
        elif "csv" in target:
            self._send(b"text/csv", table(self._size))
        else:
            write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")

    def _send(self, kind: bytes, pieces: Iterator[bytes]) -> None:
        head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: %b\r\n\r\n"
        chunks = (b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
        self._pieces = itertools.chain([head % kind], chunks, [b"0\r\n\r\n"])
        self._send_pieces()

    def _send_pieces(self) -> None:
        while not self._paused and (piece := next(self._pieces, b"")):
            self._transport.write(piece)


async def main(size: int) -> None:
    batches = Batches()
    server = await asyncio.get_running_loop().create_server(
        lambda: Protocol(batches, size), "127.0.0.1", 0, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
