"""What happens to every request, whatever it asks for: it is read, noted, and may go wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from attrs import field, frozen
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prov_facade.sandbox.faults import Fault, Faults

BODY_MAXIMUM = 50 * 1024 * 1024
FAULT = "prov_facade.fault"
"""Where the ASGI scope of a request names the fault that spoilt its answer."""
OPERATION = "prov_facade.operation"
"""Where it names the operation, if there is one."""
_ABORT = "prov_facade.abort"

Respond = Callable[[Request], Awaitable[Response]]


@frozen
class Received:
    """A request that the sandbox has received.

    Attributes:
        operation_id: The operation; empty for a path or a method that there is not.
        method: The HTTP method.
        path: The path.
        query: The query parameters.
        headers: The headers.
        body: The body; of one that was refused for its size, the beginning.
    """

    operation_id: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Read the body as JSON.

        Raises:
            msgspec.DecodeError: If it is none.
        """
        return msgspec.json.decode(self.body)


class Log:
    """The requests that were received, in order.

    Args:
        keep: Whether they are kept at all.
    """

    def __init__(self, *, keep: bool = True) -> None:
        self._keep = keep
        self._received: list[Received] = []
        self._lock = threading.Lock()

    def add(self, operation_id: str, request: Request, body: bytes = b"") -> None:
        """Note a request."""
        if not self._keep:
            return
        received = Received(
            operation_id,
            request.method,
            request.url.path,
            dict(request.query_params),
            dict(request.headers),
            body,
        )
        with self._lock:
            self._received.append(received)

    def all(self) -> list[Received]:
        """Return those received so far."""
        with self._lock:
            return list(self._received)

    def clear(self) -> None:
        """Forget them."""
        with self._lock:
            self._received.clear()


@frozen
class Observer:
    """Sees every request before it is answered."""

    log: Log
    faults: Faults

    def around(self, operation_id: str, respond: Respond) -> Respond:
        """Wrap what answers an operation.

        Args:
            operation_id: What the operation is called in the log, and what faults name.
            respond: Answers its requests, whose bodies have been read.
        """

        async def observed(request: Request) -> Response:
            request.scope[OPERATION] = operation_id
            body, whole = await _body(request)
            self.log.add(operation_id, request, body)
            if not whole:
                raise HTTPException(400, f"The body is larger than {BODY_MAXIMUM} bytes.")
            again = Request(request.scope, _replay(body))
            fault = self.faults.next(operation_id)
            if fault is None:
                return await respond(again)
            request.scope[FAULT] = fault
            await asyncio.sleep(fault.delay)
            if fault.after or not (fault.drop or fault.status):
                response = await respond(again)
            else:
                response = Response()
            return apply_fault(fault, response)

        return observed


async def _body(request: Request) -> tuple[bytes, bool]:
    """Read a body, or the beginning of one that is too large. Returns whether it is whole."""
    body = bytearray()
    whole = True
    async for chunk in request.stream():
        whole = whole and len(body) + len(chunk) <= BODY_MAXIMUM
        # The rest is read as well: most clients read no answer before they have sent everything.
        if whole:
            body += chunk
    return bytes(body), whole


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def apply_fault(fault: Fault, response: Response) -> Response:
    """Let an answer go wrong the way a fault says."""
    if fault.drop:
        return _Cut(response, None)
    if fault.status is not None:
        # A dictionary would merge headers that differ in case alone.
        response = Response(fault.body, fault.status, media_type=fault.content_type)
    response.headers.update(fault.headers)
    if fault.truncate is not None:
        return _Cut(response, fault.truncate)
    return response


class _Cut(Response):
    """An answer that breaks off after some bytes of its body, or before anything is sent."""

    def __init__(self, whole: Response, after: int | None) -> None:
        super().__init__(whole.body, whole.status_code)
        self.raw_headers = whole.raw_headers
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._after is not None:
            start = {"type": "http.response.start", "status": self.status_code}
            await send({**start, "headers": self.raw_headers})
            part = bytes(self.body)[: self._after]
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(0.01)  # for the bytes to leave before the connection goes
        scope[_ABORT]()
        # To return before the connection is gone would be an error to the server.
        while (await receive())["type"] != "http.disconnect":
            pass


class Abortable:
    """ASGI middleware that lets an answer hang up.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        # ASGI has no word for hanging up. This is how uvicorn's h11 protocol holds the connection.
        scope[_ABORT] = receive.__self__.transport.abort  # type: ignore[attr-defined]
        await self._app(scope, receive, send)
