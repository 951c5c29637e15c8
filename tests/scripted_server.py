"""A server on a loopback socket that sends scripted responses and records what it receives.

Responses are bytes, so that it can also send invalid HTTP.
"""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice, pairwise
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Received:
    """A received request."""

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def token(self) -> str | None:
        return self.headers.get("authorization")


@dataclass(frozen=True)
class Cut:
    """Bytes to send before the connection is reset."""

    sent: bytes = b""


@dataclass(frozen=True)
class Drip:
    """Bytes to send one by one, from a position on, until the client disconnects."""

    sent: Iterable[int]
    after: int = 0


@dataclass(frozen=True)
class Last:
    """A response after which the connection is closed as soon as the client uses it again."""

    sent: bytes


Reply = bytes | Cut | Drip | Last | None
"""The bytes to send, or ``None`` to close the connection instead."""

Response = Reply | Callable[[Received], Reply]


def reply(
    body: bytes = b"",
    content_type: str | None = "application/json",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Build a response."""
    phrase = {known.value: known.phrase for known in HTTPStatus}.get(status, "Unassigned")
    lines = {"Content-Length": str(len(body)), **(headers or {})}
    if content_type is not None:
        lines["Content-Type"] = content_type
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} {phrase}\r\n{head}\r\n".encode() + body


def json_reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """Build a response with a JSON body."""
    return reply(json.dumps(value).encode(), "application/json", status, headers)


class Script:
    """Sends replies in order, and repeats the last one.

    Attributes:
        times: When each request was received, in seconds.
    """

    def __init__(self, *replies: Reply | Callable[[Received], Reply]) -> None:
        self._remaining = list(replies)
        self.times: list[float] = []

    def __call__(self, request: Received) -> Reply:
        self.times.append(time.monotonic())
        reply = self._remaining.pop(0) if len(self._remaining) > 1 else self._remaining[0]
        return reply(request) if callable(reply) else reply

    @property
    def gaps(self) -> list[float]:
        """The times between consecutive requests, in seconds."""
        return [after - before for before, after in pairwise(self.times)]


class Server:
    """The server, with the requests that it has received."""

    def __init__(self, response: Response = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.response = response
        self.tls = tls
        self.keeps_open = True
        self.received: list[Received] = []
        self.opened = 0
        self.closed = threading.Semaphore(0)
        self.lock = threading.Lock()
        self._tcp = _ThreadingServer(("127.0.0.1", 0), _Handler)
        self._tcp.owner = self
        self._thread = threading.Thread(target=self._tcp.serve_forever, args=(0.002,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._tcp.server_address[1])

    @property
    def url(self) -> str:
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def last(self) -> Received:
        return self.received[-1]

    def saw_closing(self, connections: int = 1) -> bool:
        """Wait for connections to close; return whether as many did in time."""
        return all(self.closed.acquire(timeout=5) for _ in range(connections))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._tcp.shutdown()
        self._tcp.server_close()
        self._thread.join()


class _ThreadingServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128
    owner: Server

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(socketserver.StreamRequestHandler):
    server: _ThreadingServer

    def setup(self) -> None:
        owner = self.server.owner
        with owner.lock:
            owner.opened += 1
        if owner.tls is not None:
            # In the thread of the connection, so that a failed handshake affects no other.
            self.request = owner.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.request.close()  # the server closes only the socket that TLS has replaced

    def handle(self) -> None:
        owner = self.server.owner
        try:
            while (request := self._receive()) is not None:
                with owner.lock:
                    owner.received.append(request)
                response = owner.response
                response = response(request) if callable(response) else response
                if isinstance(response, Drip):
                    self._drip(response)
                    break
                if isinstance(response, Cut):
                    self._reset(response.sent)
                    break
                if isinstance(response, Last):
                    self.wfile.write(response.sent)
                    self.connection.recv(1, socket.MSG_PEEK)
                    break
                if response is None:
                    break
                self.wfile.write(response)
                if not owner.keeps_open:
                    break
        except ConnectionError:
            pass
        finally:
            owner.closed.release()

    def _drip(self, drip: Drip) -> None:
        remaining = iter(drip.sent)
        self.wfile.write(bytes(islice(remaining, drip.after)))
        for byte in remaining:
            time.sleep(0.02)
            self.wfile.write(bytes([byte]))

    def _reset(self, sent: bytes) -> None:
        self.wfile.write(sent)
        # With a linger time of 0, closing the socket and all of its files resets the connection.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.wfile.close()
        self.rfile.close()
        self.connection.close()

    def _receive(self) -> Received | None:
        first = self.rfile.readline()
        if not first:
            return None
        method, target, _ = first.decode("ascii").split(" ")
        headers: dict[str, str] = {}
        while line := self.rfile.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", "0")))
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return Received(method, target, parts.path, query, headers, body)
