"""The HTTP side of the sandbox: who calls, what is wrong with it, and how answers look."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from attrs import evolve, field, frozen
from python_multipart.exceptions import MultipartParseError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute

from prov_facade.sandbox._http.claims import Verify
from prov_facade.sandbox._http.documents import Document, Route, document
from prov_facade.sandbox._http.handlers import WORD, Call, Caller, File, Handler, RefusedError
from prov_facade.sandbox._http.interception import (
    OPERATION,
    AbortMiddleware,
    Endpoint,
    Interceptor,
)
from prov_facade.sandbox._http.validation import BodyReader, MalformedError, entry, query_of
from prov_facade.sandbox._state.store import Store

JOB_API = "/job-api"
FETCH_REPORT = "fetch_report"
_REPORT_SECONDS = 3600
_NO_ROLE = "You are not authorised to access this resource as you don't have the correct role."
_UNREADABLE = "There was an error parsing the body"
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


@frozen
class Services:
    """What the routes need."""

    store: Store
    verify: Verify
    handlers: Mapping[str, Handler]
    key: bytes = field(repr=False)


def operation_ids() -> list[str]:
    """List the operations of the prov-api and of the job-api, and the fetching of reports."""
    described = (document("prov-api"), document("job-api"))
    return [*(route.operation_id for each in described for route in each.routes), FETCH_REPORT]


def routes(services: Services, interceptor: Interceptor) -> list[BaseRoute]:
    """Make the routes of the prov-api, of the job-api, and of the reports that jobs have made.

    Args:
        services: What they need.
        interceptor: Sees what they are asked.
    """
    made: list[BaseRoute] = []
    for prefix, described in (("", document("prov-api")), (JOB_API, document("job-api"))):
        for route in described.routes:
            respond = interceptor.wrap(route.operation_id, _responder(services, described, route))
            made.append(_exactly(prefix + route.path, respond, route.method))
    report = interceptor.wrap(FETCH_REPORT, _report_responder(services))
    return [*made, StarletteRoute("/reports/{session_id}", report)]


def _exactly(path: str, respond: Endpoint, method: str) -> StarletteRoute:
    """Make a route that does not answer HEAD in place of GET, as the server does not."""
    route = StarletteRoute(path, respond, methods=[method])
    route.methods = {method}
    return route


def application(
    routes: Sequence[BaseRoute], interceptor: Interceptor, middleware: Sequence[Middleware]
) -> Starlette:
    """Put the sandbox together.

    Args:
        routes: What it answers.
        interceptor: Sees what else it is asked.
        middleware: What stands around that.
    """

    async def http_exception(request: Request, error: HTTPException) -> Response:
        if OPERATION not in request.scope:
            interceptor.log.add("", request)
        return _json({"detail": error.detail}, error.status_code, error.headers)

    return Starlette(
        routes=routes,
        middleware=[Middleware(AbortMiddleware), *middleware],
        exception_handlers={HTTPException: http_exception},  # type: ignore[dict-item]
    )


def _responder(services: Services, described: Document, route: Route) -> Endpoint:
    handler = services.handlers[route.operation_id]
    reader = None if route.body is None else BodyReader(described, route)

    async def respond(request: Request) -> Response:
        try:
            return await answer(request)
        except MalformedError as malformed:
            return _json({"detail": malformed.entries}, 422)
        except RefusedError as refused:
            headers = _CHALLENGE if refused.challenge else {}
            return _json({"detail": refused.detail}, refused.status, headers)

    async def answer(request: Request) -> Response:
        caller = _caller(services.verify, route, request)
        query = query_of(route, request.query_params)
        call = Call(caller, query, base_url=str(request.base_url).rstrip("/"))
        content_type = request.headers.get("content-type", "")
        if route.operation_id == "convert_model_runs_to_csv":
            call = evolve(call, file=await _upload(request))
        content = b"" if reader is None else await request.body()

        def work() -> Response:
            if reader is None:
                return _answered(handler(call))
            return _answered(handler(evolve(call, body=reader.read(content_type, content))))

        # All of it, since checking a large body takes long, as does writing a large answer.
        return await run_in_threadpool(work)

    return respond


def _caller(verify: Verify, route: Route, request: Request) -> Caller:
    if not route.secured:
        return Caller()
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise RefusedError(401, "Not authenticated", challenge=True)
    claims = verify(token)
    if claims is None:
        raise RefusedError(401, "Could not validate credentials", challenge=True)
    if not route.roles.issubset(claims.roles):
        raise RefusedError(401, _NO_ROLE)
    return Caller(claims.username, claims.email, tuple(sorted(claims.roles)), token)


async def _upload(request: Request) -> bytes:
    missing = MalformedError([entry(["body", "csv_file"], "field required", "value_error.missing")])
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise missing
    try:
        form = await request.form()
    except (MultiPartException, MultipartParseError, HTTPException) as error:
        raise RefusedError(400, _UNREADABLE) from error
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
    if not isinstance(value, File):
        return _json(value)
    charset = "; charset=utf-8" if value.media_type.startswith("text/") else ""
    # In headers only ASCII can stand as it is, and not all of that.
    simple = value.name.isascii() and not set(value.name) & set('"\\')
    name = f'filename="{value.name}"' if simple else f"filename*=utf-8''{quote(value.name)}"
    return Response(
        value.content,
        headers={
            "Content-Type": value.media_type + charset,
            "Content-Disposition": f"attachment; {name}",
        },
    )


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        msgspec.json.encode(value), status, headers=headers, media_type="application/json"
    )


def report_address(url: str, key: bytes, session_id: str) -> str:
    """Make the pre-signed address of a report."""
    expires = int(time.time()) + _REPORT_SECONDS
    signature = _sign(key, session_id, expires)
    return f"{url}/reports/{session_id}?expires={expires}&signature={signature}"


def _sign(key: bytes, session_id: str, expires: int) -> str:
    return hmac.new(key, f"{session_id}:{expires}".encode(), hashlib.sha256).hexdigest()


def _report_responder(services: Services) -> Endpoint:
    async def respond(request: Request) -> Response:
        # An object store refuses a request that is signed in two ways.
        if "authorization" in request.headers:
            raise HTTPException(400, "Only one auth mechanism allowed")
        session_id, given = request.path_params["session_id"], request.query_params
        seconds = re.fullmatch("[0-9]{1,12}", given.get("expires", ""))
        expires = int(seconds[0]) if seconds else 0
        signature = _sign(services.key, session_id, expires)
        if expires < time.time() or not hmac.compare_digest(
            signature.encode(), given.get("signature", "").encode()
        ):
            raise HTTPException(403, "The request signature is not valid, or has run out")
        content = await run_in_threadpool(services.store.report, session_id)
        if content is None:
            raise HTTPException(404, "Not Found")
        return _answered(File(content, WORD, "report.docx"))

    return respond
