"""Intercepts requests to record them, to apply faults, and to pause them during a reset."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prov_facade.sandbox._http.recording import RequestLog
from prov_facade.sandbox.faults import Fault, Faults

MAX_BODY_SIZE = 50 * 1024 * 1024
FAULT = "prov_facade.fault"
"""The key of the ASGI scope that holds the fault applied to the response."""
OPERATION = "prov_facade.operation"
"""The key of the ASGI scope that holds the operation id, if the path belongs to an operation."""
_TRANSPORT = "prov_facade.transport"
# Accepting a connection, reading from it and starting its task each take an iteration of the event
# loop or two.
_ITERATIONS_BEFORE_PAUSE = 10

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


class Interceptor:
    """Wraps the endpoints of all operations.

    Args:
        log: Where requests are recorded.
        faults: The faults to apply.
    """

    def __init__(self, log: RequestLog, faults: Faults) -> None:
        self.log = log
        self._faults = faults
        self._running = asyncio.Event()
        self._running.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._active = 0
        self._interruptible: set[asyncio.Timeout] = set()

    def wrap(self, operation_id: str, endpoint: Endpoint) -> Endpoint:
        """Wrap an endpoint.

        Args:
            operation_id: The id of the operation in the log and in faults.
            endpoint: Responds to requests whose bodies have been read.
        """

        async def intercepted(request: Request) -> Response:
            await self._running.wait()
            self._active += 1
            self._idle.clear()
            try:
                return await self._respond(operation_id, endpoint, request)
            finally:
                self._active -= 1
                if not self._active:
                    self._idle.set()

        return intercepted

    async def _respond(self, operation_id: str, endpoint: Endpoint, request: Request) -> Response:
        request.scope[OPERATION] = operation_id
        interruptible = asyncio.timeout(None)
        try:
            async with interruptible:
                self._interruptible.add(interruptible)
                body, complete = await _read_body(request)
                self.log.add(operation_id, request, body)
                if not complete:
                    raise HTTPException(400, f"The body is larger than {MAX_BODY_SIZE} bytes.")
                fault = self._faults.next(operation_id)
                if fault is not None:
                    request.scope[FAULT] = fault
                    await asyncio.sleep(fault.delay)
        except TimeoutError:
            return _TruncatedResponse(Response(), None)
        finally:
            self._interruptible.discard(interruptible)
        request = Request(request.scope, _replay(body))
        if fault is None:
            return await endpoint(request)
        if fault.after or not (fault.drop or fault.status):
            response = await endpoint(request)
        else:
            response = Response()
        return apply_fault(fault, response)

    async def pause(self) -> None:
        """Hold back new requests, and wait until no request is in progress.

        Requests that have not reached their endpoint lose their connection: those still being
        received, and those delayed by a fault.
        """
        # Requests that clients have already sent count as in progress.
        for _ in range(_ITERATIONS_BEFORE_PAUSE):
            await asyncio.sleep(0)
        self._running.clear()
        now = asyncio.get_running_loop().time()
        for interruptible in self._interruptible:
            interruptible.reschedule(now)
        await self._idle.wait()

    async def resume(self) -> None:
        """Let new requests through again."""
        self._running.set()


async def _read_body(request: Request) -> tuple[bytes, bool]:
    """Read a body, or the beginning of one that is too large. Returns whether it is complete."""
    body = bytearray()
    complete = True
    async for chunk in request.stream():
        complete = complete and len(body) + len(chunk) <= MAX_BODY_SIZE
        # The rest is read as well: most clients read the response only after sending everything.
        if complete:
            body += chunk
    return bytes(body), complete


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def apply_fault(fault: Fault, response: Response) -> Response:
    """Apply a fault to a response."""
    if fault.drop:
        return _TruncatedResponse(response, None)
    if fault.status is not None:
        response = Response(fault.body, fault.status, media_type=fault.content_type)
    # Replaces headers whose names differ only in case; a merged dictionary would keep both.
    response.headers.update(fault.headers)
    if fault.truncate_gzip is not None:
        response.body = gzip.compress(response.body)[: fault.truncate_gzip]
        response.headers.update(
            {"content-encoding": "gzip", "content-length": str(len(response.body))}
        )
    if fault.truncate is not None:
        return _TruncatedResponse(response, fault.truncate)
    return _ClosingResponse(response) if fault.close else response


class _TruncatedResponse(Response):
    """A response whose connection is closed after some bytes of its body.

    Args:
        complete: The complete response.
        size: How many bytes of the body are sent; ``None`` sends no headers either.
    """

    def __init__(self, complete: Response, size: int | None) -> None:
        super().__init__(complete.body, complete.status_code)
        self.raw_headers = complete.raw_headers
        self._size = size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._size is not None:
            start = {"type": "http.response.start", "status": self.status_code}
            await send({**start, "headers": self.raw_headers})
            part = bytes(self.body)[: self._size]
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(0.01)  # sends the bytes before the connection is closed
        scope[_TRANSPORT].abort()
        # uvicorn reports an error if the application returns while the connection is still open.
        while (await receive())["type"] != "http.disconnect":
            pass


class _ClosingResponse(Response):
    """A response whose connection is closed shortly afterwards."""

    def __init__(self, inner: Response) -> None:
        super().__init__(inner.body, inner.status_code)
        self.raw_headers = inner.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().__call__(scope, receive, send)
        # Formatting the traceback of an error takes about as long. Without a pause, the client
        # would notice before its next request.
        await asyncio.sleep(0.005)
        scope[_TRANSPORT].close()


class TransportMiddleware:
    """ASGI middleware that lets a response close its connection.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        # ASGI cannot close a connection. uvicorn's h11 protocol keeps its transport here.
        scope[_TRANSPORT] = receive.__self__.transport  # type: ignore[attr-defined]
        await self._app(scope, receive, send)
