"""A pytest plugin that checks all exchanges with sandboxes against the OpenAPI documents."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import api_document
import httpx
import pytest
from attrs import define, field, frozen
from jsonschema import Draft202012Validator
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.datastructures import Headers, ImmutableMultiDict

from prov_facade.sandbox import Fault, Sandbox
from prov_facade.sandbox._http.interception import FAULT
from prov_facade_pytest import SharedSandbox

JOB_API = "/job-api"
BASE = "http://sandbox.test"  # shared by all sandboxes, since creating a checker is slow
_EMPTY_GRAPH = {"directed": True, "multigraph": False, "graph": {}, "nodes": [], "links": []}
# Paths of a sandbox that no document describes.
UNDOCUMENTED = re.compile(r"/auth/realms/.*|/reports/.*|(/job-api)?/openapi\.json|/job-api/")


@define
class Exchange:
    """A request and its response.

    Attributes:
        status: The status, or 0 if there was no response.
        faulty: Whether a fault was applied to the response.
    """

    method: str
    path: str
    query: bytes
    headers: Mapping[str, str]
    body: bytes
    status: int = 0
    response_headers: Mapping[str, str] = field(factory=dict)
    response: bytes = b""
    faulty: bool = False

    def identity(self) -> tuple[object, ...]:
        """Return everything that the violations depend on."""
        types = [
            headers.get("content-type", "") for headers in (self.headers, self.response_headers)
        ]
        names = (*self.headers, *self.response_headers)
        request = (self.method, self.path, self.query, self.body)
        return (*request, self.status, self.response, self.faulty, *types, *names)

    def violations(self) -> Iterator[str]:
        """Yield violations of the documents."""
        if UNDOCUMENTED.fullmatch(self.path) or self.faulty or not self.status:
            return
        if self.method == "OPTIONS" and "access-control-request-method" in self.headers:
            return  # a browser asks whether a page may send a request
        job = self.path.startswith(JOB_API)
        path = self.path.removeprefix(JOB_API)
        document = api_document.JOB_DOCUMENT_PATH if job else api_document.DOCUMENT_PATH
        methods = _methods(document).get(path, set())
        if self.method not in methods:
            expected = 405 if methods else 404
            if self.status != expected:
                yield f"{self}: expected {expected}"
            return
        checker = _checker(document)
        request = _Request(self, path)
        # A rejected request may be invalid, but its response must conform.
        checks: list[Callable[[], None]] = [
            lambda: checker.validate_response(request, _Response(self))
        ]
        if self.status < 400:
            checks.append(lambda: checker.validate_request(request))
        for check in checks:
            try:
                check()
            except OpenAPIError as error:
                yield f"{self}: {error!r}, because of {error.__cause__!r}"
        if self.method == "GET" and path.startswith("/explore/") and self.status == 200:
            # Like the server, the schema allows any object here.
            graph = json.loads(self.response).get("graph") or _EMPTY_GRAPH
            if "edges" in graph:  # the name that older servers use
                graph["links"] = graph.pop("edges")
            for wrong in _graph_checker().iter_errors(graph):
                yield f"{self}: {wrong.message}"

    def __str__(self) -> str:
        return f"{self.method} {self.path}?{self.query.decode()} responded with {self.status}"


class _Request:
    """Implements openapi-core's protocol for requests."""

    def __init__(self, exchange: Exchange, path: str) -> None:
        self.host_url = BASE
        self.path = path
        self.method = exchange.method.lower()
        self.content_type = exchange.headers.get("content-type", "")
        self.body = exchange.body or None
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(exchange.query.decode(), keep_blank_values=True)),
            header=Headers(list(exchange.headers.items())),
            cookie=ImmutableMultiDict(),
            path={},
        )


class _Response:
    """Implements openapi-core's protocol for responses."""

    def __init__(self, exchange: Exchange) -> None:
        self.status_code = exchange.status
        self.content_type = exchange.response_headers.get("content-type", "").partition(";")[0]
        self.headers: Mapping[str, Any] = exchange.response_headers
        self.data = exchange.response


@cache
def _methods(document: Path) -> dict[str, set[str]]:
    """Return the methods of each path in a document."""
    methods: dict[str, set[str]] = {}
    for operation in api_document.operations(api_document.load(document)).values():
        methods.setdefault(operation.path, set()).add(operation.method)
    return methods


@cache
def _checker(path: Path) -> OpenAPI:
    document = {**api_document.load(path), "servers": [{"url": BASE}]}
    readers: dict[str, Callable[[bytes], Any]] = {
        "text/csv": _decode_utf8,
        api_document.DOCX: _decode_latin1,
    }
    return OpenAPI.from_dict(document, config=Config(extra_media_type_deserializers=readers))


@cache
def _graph_checker() -> Draft202012Validator:
    return api_document.validator({"$ref": "#/components/schemas/LineageGraph"})


def _decode_utf8(value: bytes, **_: str) -> str:
    return value.decode("utf-8")


def _decode_latin1(value: bytes, **_: str) -> str:
    return value.decode("latin-1")


@frozen
class RecordingMiddleware:
    """ASGI middleware that records exchanges.

    Args:
        app: The application.
        exchanges: The list that exchanges are appended to.
    """

    app: ASGIApp
    exchanges: list[Exchange]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        exchange = Exchange(scope["method"], scope["path"], scope["query_string"], headers, b"")

        async def recording_receive() -> Message:
            message = await receive()
            exchange.body += message.get("body", b"")
            return message

        async def recording_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                exchange.response_headers = httpx.Headers(message["headers"])
                fault = scope.get(FAULT)
                exchange.faulty = fault is not None and fault != Fault(delay=fault.delay)
            else:
                exchange.response += message["body"]
            await send(message)

        # Append before responding: once it has the response, the test may end.
        self.exchanges.append(exchange)
        await self.app(scope, recording_receive, recording_send)


EXCHANGES: list[Exchange] = []


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[SharedSandbox]:
    """A sandbox that tests share; it is reset for each test."""
    shared = SharedSandbox()
    yield shared
    shared.stop()


def pytest_configure() -> None:
    Sandbox._middleware = (Middleware(RecordingMiddleware, EXCHANGES),)


@pytest.fixture(autouse=True)
def sandboxes_conform_to_the_documents() -> Iterator[None]:
    """Check every exchange of every sandbox in this process."""
    EXCHANGES.clear()
    yield
    # Tests that poll repeat the same exchange many times.
    distinct = {exchange.identity(): exchange for exchange in EXCHANGES}.values()
    violations = [text for exchange in distinct for text in exchange.violations()]
    assert violations == []


class ValidatingTransport(httpx.HTTPTransport):
    """Checks exchanges with a sandbox in another process."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        exchange = Exchange(
            request.method,
            request.url.path,
            request.url.query,
            request.headers,
            request.read(),
            response.status_code,
            response.headers,
            response.read(),
        )
        assert list(exchange.violations()) == []
        return response
