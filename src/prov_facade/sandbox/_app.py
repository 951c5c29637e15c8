"""The HTTP side of the sandbox: who calls, what is wrong with it, and how answers look."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from attrs import field, frozen
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute

from prov_facade.sandbox._documents import Document, Route, document
from prov_facade.sandbox._faults import Fault, Faults
from prov_facade.sandbox._handlers import Call, Caller, File, Handler, RefusedError
from prov_facade.sandbox._store import Store
from prov_facade.sandbox._tokens import TokenIssuer
from prov_facade.sandbox._validation import MalformedError, body_of, entry, query_of

JOB_API = "/job-api"
UPLOAD_MAXIMUM = 50 * 1024 * 1024
_REPORT_SECONDS = 3600
_NO_ROLE = "You are not authorised to access this resource as you don't have the correct role."
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


@frozen
class Received:
    """A request that the sandbox has received.

    Attributes:
        operation_id: The operation.
        method: The HTTP method.
        path: The path.
        query: The query parameters.
        headers: The headers.
        body: The body.
    """

    operation_id: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Log:
    """The requests that were received, in order."""

    def __init__(self) -> None:
        self._received: list[Received] = []
        self._lock = threading.Lock()

    def add(self, received: Received) -> None:
        """Note a request."""
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
class Services:
    """What the routes need."""

    store: Store
    issuer: TokenIssuer
    faults: Faults
    log: Log
    handlers: Mapping[str, Handler]
    key: bytes = field(repr=False)


def application(services: Services, more: Iterable[BaseRoute]) -> Starlette:
    """Put the sandbox together.

    Args:
        services: What the routes need.
        more: Further routes.
    """
    routes: list[BaseRoute] = [
        StarletteRoute(
            prefix + route.path, _endpoint(services, described, route), methods=[route.method]
        )
        for prefix, described in (("", document("prov-api")), (JOB_API, document("job-api")))
        for route in described.routes
    ]
    routes.append(StarletteRoute("/reports/{session_id}", _report_endpoint(services)))
    return Starlette(
        routes=[*routes, *more],
        exception_handlers={HTTPException: _http_exception},  # type: ignore[dict-item]
    )


async def _http_exception(_: Request, error: HTTPException) -> Response:
    return _json({"detail": error.detail}, error.status_code, error.headers)


def _endpoint(services: Services, described: Document, route: Route) -> Callable[[Request], Any]:
    handler = services.handlers[route.operation_id]

    async def respond(request: Request) -> Response:
        body = await request.body()
        services.log.add(
            Received(
                route.operation_id,
                request.method,
                request.url.path,
                dict(request.query_params),
                dict(request.headers),
                body,
            )
        )
        fault = services.faults.next(route.operation_id)
        if fault is None:
            return await answer(request, body)
        await asyncio.sleep(fault.delay)
        if fault.after or not (fault.drop or fault.status):
            response = await answer(request, body)
        else:
            response = Response()
        return _spoilt(fault, response, request)

    async def answer(request: Request, body: bytes) -> Response:
        try:
            call = await read(request, body)
            return _answered(await run_in_threadpool(handler, call))
        except MalformedError as malformed:
            return _json({"detail": malformed.entries}, 422)
        except RefusedError as refused:
            headers = _CHALLENGE if refused.challenge else {}
            return _json({"detail": refused.detail}, refused.status, headers)

    async def read(request: Request, body: bytes) -> Call:
        caller = _caller(services.issuer, route, request)
        query = query_of(route, request.query_params)
        if route.operation_id == "convert_model_runs_to_csv":
            return Call(caller, query, file=await _upload(request, body))
        content_type = request.headers.get("content-type", "")
        value = body_of(described, route, content_type, body) if route.body is not None else None
        return Call(caller, query, value)

    return respond


def _caller(issuer: TokenIssuer, route: Route, request: Request) -> Caller:
    if not route.secured:
        return Caller()
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise RefusedError(401, "Not authenticated", challenge=True)
    claims = issuer.verify(token)
    if claims is None:
        raise RefusedError(401, "Could not validate credentials", challenge=True)
    if not route.roles.issubset(claims.roles):
        raise RefusedError(401, _NO_ROLE)
    return Caller(claims.username, claims.email, tuple(sorted(claims.roles)), token)


async def _upload(request: Request, body: bytes) -> bytes:
    if len(body) > UPLOAD_MAXIMUM:
        raise RefusedError(400, f"The file is larger than {UPLOAD_MAXIMUM} bytes.")
    missing = MalformedError([entry(["body", "csv_file"], "field required", "value_error.missing")])
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise missing
    try:
        form = await request.form()
    except (MultiPartException, HTTPException) as error:
        raise RefusedError(400, "There was an error parsing the body") from error
    try:
        part = form.get("csv_file")
        if part is None:
            raise missing
        if not isinstance(part, UploadFile):
            text = "Expected UploadFile, received: <class 'str'>"
            raise MalformedError([entry(["body", "csv_file"], text, "value_error")])
        return await part.read()
    finally:
        await form.close()


def _answered(value: Any) -> Response:
    if isinstance(value, File):
        charset = "; charset=utf-8" if value.media_type.startswith("text/") else ""
        return Response(
            value.content,
            headers={
                "Content-Type": value.media_type + charset,
                "Content-Disposition": f'attachment; filename="{value.name}"',
            },
        )
    return _json(value)


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        msgspec.json.encode(value), status, headers=headers, media_type="application/json"
    )


def _spoilt(fault: Fault, response: Response, request: Request) -> Response:
    """Let an answer go wrong the way a fault says."""
    if fault.drop:
        return _Cut(response, None, request)
    if fault.status is not None:
        # A dictionary would merge headers that differ in case alone.
        response = Response(fault.body, fault.status, media_type=fault.content_type)
    response.headers.update(fault.headers)
    if fault.truncate is not None:
        return _Cut(response, fault.truncate, request)
    return response


class _Cut(Response):
    """An answer that breaks off after some bytes of its body, or before anything is sent."""

    def __init__(self, whole: Response, after: int | None, request: Request) -> None:
        super().__init__(whole.body, whole.status_code)
        self.raw_headers = whole.raw_headers
        self._after = after
        self._request = request

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002
        if self._after is not None:
            start = {"type": "http.response.start", "status": self.status_code}
            await send({**start, "headers": self.raw_headers})
            part = bytes(self.body)[: self._after]
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(0.01)  # for the bytes to leave before the connection goes
        # ASGI has no word for hanging up. This is how uvicorn's h11 protocol holds the connection.
        receive.__self__.transport.abort()


def report_address(url: str, key: bytes, session_id: str) -> str:
    """Make the pre-signed address of a report."""
    expires = int(time.time()) + _REPORT_SECONDS
    signature = _sign(key, session_id, expires)
    return f"{url}/reports/{session_id}?expires={expires}&signature={signature}"


def _sign(key: bytes, session_id: str, expires: int) -> str:
    return hmac.new(key, f"{session_id}:{expires}".encode(), hashlib.sha256).hexdigest()


def _report_endpoint(services: Services) -> Callable[[Request], Any]:
    async def respond(request: Request) -> Response:
        # An object store refuses a request that is signed in two ways.
        if "authorization" in request.headers:
            raise HTTPException(400, "Only one auth mechanism allowed")
        session_id, given = request.path_params["session_id"], request.query_params
        expires = int(given["expires"]) if given.get("expires", "").isdigit() else 0
        signature = _sign(services.key, session_id, expires)
        if expires < time.time() or not hmac.compare_digest(
            signature.encode(), given.get("signature", "").encode()
        ):
            raise HTTPException(403, "The request signature is not valid, or has run out")
        content = await run_in_threadpool(services.store.report, session_id)
        if content is None:
            raise HTTPException(404, "Not Found")
        kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        return _answered(File(content, kind, "report.docx"))

    return respond
