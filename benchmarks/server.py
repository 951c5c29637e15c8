"""The local server of the benchmarks: a bare asyncio protocol, in a process of its own.

It responds at once, so that a figure is the client's. ``python -m benchmarks.server`` prints the
port it listens on.
"""

from __future__ import annotations

import asyncio
import json

from benchmarks.sides.data import LINEAGE, REGISTERED


def response(body: bytes) -> bytes:
    head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return (head % len(body)).encode() + body


READ = response(json.dumps(LINEAGE).encode())
WRITTEN = response(json.dumps(REGISTERED).encode())


class Protocol(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._received = b""
        self._ignored = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            _, named, rest = head.partition(b"\r\ncontent-length:")
            length = int(rest.split(b"\r\n", 1)[0]) if named else 0
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            self.transport.write(READ if head.startswith(b"get") else WRITTEN)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Protocol, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
