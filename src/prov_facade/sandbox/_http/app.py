"""The ASGI application: authenticates callers, validates requests and encodes responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from attrs import evolve, field, frozen
from python_multipart.exceptions import MultipartParseError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute

from prov_facade.sandbox._http.calls import (
    HEALTH_MESSAGE,
    WORD,
    Call,
    Caller,
    File,
    Handler,
    RejectedError,
    UnhandledError,
)
from prov_facade.sandbox._http.claims import Verify
from prov_facade.sandbox._http.documents import Document, Route, document
from prov_facade.sandbox._http.interception import (
    OPERATION,
    Endpoint,
    Interceptor,
    TransportMiddleware,
    apply_fault,
)
from prov_facade.sandbox._http.report_urls import is_valid
from prov_facade.sandbox._http.validation import (
    MISSING,
    UNREADABLE,
    BodyReader,
    RequestValidationError,
    error_entry,
    parse_query,
)
from prov_facade.sandbox._state.store import Store
from prov_facade.sandbox.faults import unhandled_error

JOB_API = "/job-api"
FETCH_REPORT = "fetch_report"
_MISSING_ROLE = "You are not authorised to access this resource as you don't have the correct role."
_CHALLENGE = {"WWW-Authenticate": "Bearer"}
# As on the real server's development stage, where pages of any origin may send tokens.
_CORS = Middleware(
    CORSMiddleware,
    allow_credentials=True,
    allow_origin_regex=".*",
    allow_methods=["*"],
    allow_headers=["*"],
)


@frozen
class Services:
    """The dependencies of the routes."""

    store: Store
    verify: Verify
    handlers: Mapping[str, Handler]
    key: bytes = field(repr=False)


def operation_ids() -> list[str]:
    """Return the operation ids of the prov-api and the job-api, and the id for fetching reports."""
    described = (document("prov-api"), document("job-api"))
    return [*(route.operation_id for each in described for route in each.routes), FETCH_REPORT]


def routes(services: Services, interceptor: Interceptor) -> list[BaseRoute]:
    """Create the routes of the prov-api, of the job-api, and of the reports created by jobs.

    Routes that no document describes are not recorded, and no faults apply to them.

    Args:
        services: The dependencies of the routes.
        interceptor: Wraps the endpoints.
    """
    created: list[BaseRoute] = []
    for prefix, described in (("", document("prov-api")), (JOB_API, document("job-api"))):
        for route in described.routes:
            endpoint = interceptor.wrap(route.operation_id, _endpoint(services, described, route))
            created.append(_exact_route(prefix + route.path, endpoint, route.method))
        description = _description(described, prefix)
        created.append(_exact_route(f"{prefix}/openapi.json", description, "GET"))
    created.append(_exact_route(f"{JOB_API}/", _health_check, "GET"))
    report = interceptor.wrap(FETCH_REPORT, _report_endpoint(services))
    return [*created, StarletteRoute("/reports/{session_id}", report)]


def _exact_route(path: str, endpoint: Endpoint, method: str) -> StarletteRoute:
    """Create a route that, like the server, does not respond to HEAD in place of GET."""
    route = StarletteRoute(path, endpoint, methods=[method])
    route.methods = {method}
    return route


def application(
    routes: Sequence[BaseRoute], interceptor: Interceptor, middleware: Sequence[Middleware]
) -> Starlette:
    """Create the application.

    Args:
        routes: The routes.
        interceptor: Records requests that no route matches.
        middleware: Additional middleware.
    """

    async def http_exception(request: Request, error: HTTPException) -> Response:
        if OPERATION not in request.scope:
            interceptor.log.add("", request)
        return _json({"detail": error.detail}, error.status_code, error.headers)

    return Starlette(
        routes=routes,
        middleware=[Middleware(TransportMiddleware), *middleware, _CORS],
        exception_handlers={HTTPException: http_exception},  # type: ignore[dict-item]
    )


def _endpoint(services: Services, described: Document, route: Route) -> Endpoint:
    handler = services.handlers[route.operation_id]
    reader = None if route.body is None else BodyReader(described, route)

    async def respond(request: Request) -> Response:
        try:
            return await handle(request)
        except RequestValidationError as error:
            return _json({"detail": error.entries}, 422)
        except RejectedError as error:
            headers = _CHALLENGE if error.challenge else {}
            return _json({"detail": error.detail}, error.status, headers)
        except UnhandledError:
            return apply_fault(unhandled_error(), Response())

    async def handle(request: Request) -> Response:
        caller = _caller(services.verify, route, request)
        query = parse_query(route, request.query_params)
        call = Call(caller, query, base_url=str(request.base_url).rstrip("/"))
        content_type = request.headers.get("content-type", "")
        if route.operation_id == "convert_model_runs_to_csv":
            call = evolve(call, file=await _upload(request))
        content = b"" if reader is None else await request.body()

        def perform() -> Response:
            if reader is None:
                return _response(handler(call))
            return _response(handler(evolve(call, body=reader.read(content_type, content))))

        # In a worker thread, since validating a large body and encoding a large response would
        # block the event loop.
        return await run_in_threadpool(perform)

    return respond


def _description(described: Document, prefix: str) -> Endpoint:
    async def respond(request: Request) -> Response:
        base_url = str(request.base_url).rstrip("/")
        return _json({**described.content, "servers": [{"url": f"{base_url}{prefix}"}]})

    return respond


async def _health_check(_: Request) -> Response:
    return _json({"message": HEALTH_MESSAGE})


def _caller(verify: Verify, route: Route, request: Request) -> Caller:
    if not route.secured:
        return Caller()
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise RejectedError(401, "Not authenticated", challenge=True)
    claims = verify(token)
    if claims is None:
        raise RejectedError(401, "Could not validate credentials", challenge=True)
    if not route.roles.issubset(claims.roles):
        raise RejectedError(401, _MISSING_ROLE, challenge=True)
    return Caller(claims.username, claims.email, tuple(sorted(claims.roles)), token)


async def _upload(request: Request) -> bytes:
    missing = RequestValidationError([error_entry(["body", "csv_file"], *MISSING)])
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise missing
    try:
        form = await request.form()
    except (MultiPartException, MultipartParseError, HTTPException) as error:
        raise RejectedError(400, UNREADABLE) from error
    try:
        part = form.get("csv_file")
        if part is None:
            raise missing
        if not isinstance(part, UploadFile):
            text = "Expected UploadFile, received: <class 'str'>"
            raise RequestValidationError([error_entry(["body", "csv_file"], text, "value_error")])
        return await part.read()
    finally:
        await form.close()


def _response(value: Any) -> Response:
    if not isinstance(value, File):
        return _json(value)
    charset = "; charset=utf-8" if value.media_type.startswith("text/") else ""
    return Response(
        value.content,
        headers={
            "Content-Type": value.media_type + charset,
            "Content-Disposition": f'attachment; filename="{value.name}"',
        },
    )


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        msgspec.json.encode(value), status, headers=headers, media_type="application/json"
    )


def _report_endpoint(services: Services) -> Endpoint:
    async def respond(request: Request) -> Response:
        # Object stores reject requests that are authenticated in two ways.
        if "authorization" in request.headers:
            raise HTTPException(400, "Only one auth mechanism allowed")
        session_id = request.path_params["session_id"]
        if not is_valid(request.query_params, services.key, session_id):
            raise HTTPException(403, "The request signature is not valid, or has expired")
        content = await run_in_threadpool(services.store.report, session_id)
        if content is None:
            raise HTTPException(404, "Not Found")
        return _response(File(content, WORD, "report.docx"))

    return respond
