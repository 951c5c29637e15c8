"""A mock prov-api and job-api, driven by the OpenAPI documents.

It checks that each request conforms to its document (path, query, headers, body, upload), and
responds with the document's examples for any documented status. It keeps no state: responses do
not depend on earlier requests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import api_document
import msgspec
from openapi_core import Config as CoreConfig
from openapi_core import OpenAPI
from openapi_core.contrib.werkzeug import WerkzeugOpenAPIRequest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from prov_facade import APIOverrides, BearerToken, Config

TOKEN = "contract-token"


# The documents, by path prefix.
_DOCUMENTS = {"": api_document.DOCUMENT_PATH, "/job-api": api_document.JOB_DOCUMENT_PATH}

# The URL of a report in an object store, which no document describes.
_REPORT = "/reports/91a4b0c3.docx"


@dataclass(frozen=True)
class Received:
    """A received request.

    Attributes:
        operation_id: The operation that it calls.
        query: Its query parameters.
        headers: Its headers.
        json: Its decoded body, if it is JSON.
        files: The content of each uploaded file, by the name of its part.
    """

    operation_id: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    json: Any = None
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class _Route:
    """An operation, and the path prefix of its API."""

    operation_id: str
    prefix: str
    entry: api_document.OperationEntry

    @property
    def document(self) -> api_document.Node:
        return api_document.load(_DOCUMENTS[self.prefix])


@dataclass(frozen=True)
class _Choice:
    """One of the document's responses."""

    status: str = "200"
    media_type: str | None = None
    example: str | None = None


class ContractServer:
    """The mock server on a free loopback port; ``with`` starts it."""

    def __init__(self) -> None:
        self._http = HTTPServer(host="127.0.0.1", port=0, threaded=True)
        self._choices: dict[str, _Choice] = {}
        self.received: list[Received] = []
        self.problems: list[str] = []

    def __enter__(self) -> Self:
        self._http.expect_request(re.compile("")).respond_with_handler(self._handle)
        self._http.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.stop()

    @property
    def url(self) -> str:
        """The URL of the server."""
        return self._http.url_for("").rstrip("/")

    @property
    def config(self) -> Config:
        """A configuration for this server."""
        overrides = APIOverrides(
            prov_api_endpoint_override=self.url,
            jobs_service_api_endpoint_override=f"{self.url}/job-api",
        )
        return Config("provena.example.org", "provena", overrides)

    @property
    def auth(self) -> BearerToken:
        """A token that the server accepts."""
        return BearerToken(TOKEN)

    def set_response(
        self,
        operation_id: str,
        status: str | int = 200,
        *,
        media_type: str | None = None,
        example: str | None = None,
    ) -> None:
        """Choose the response to calls of an operation.

        Args:
            operation_id: The operation.
            status: A documented status.
            media_type: One of the media types of that response; the first by default.
            example: The name of one of its examples; the first by default.
        """
        self._choices[operation_id] = _Choice(str(status), media_type, example)

    def warm_up(self) -> None:
        """Load the documents now, since that may take longer than a client's timeout."""
        for prefix in _DOCUMENTS:
            _validator(self.url, prefix)

    def reset(self) -> None:
        """Clear the chosen responses and the received requests."""
        self._choices.clear()
        self.received.clear()
        self.problems.clear()

    def check(self) -> None:
        """Fail if a request did not conform to its document.

        Raises:
            AssertionError: With the reasons.
        """
        assert not self.problems, "requests did not conform to their document:\n" + "\n".join(
            self.problems
        )

    def _handle(self, request: Request) -> Response:
        body = request.get_data(cache=True, parse_form_data=False)
        route = _route(request)
        if route is None and request.path == _REPORT:
            return self._report(request)
        if route is None:
            return self._refuse(f"unknown operation {request.method} {request.path}")
        self.received.append(
            Received(
                route.operation_id,
                query=request.args.to_dict(),
                headers=dict(request.headers),
                json=msgspec.json.decode(body) if request.is_json else None,
                files={name: part.stream.read() for name, part in request.files.items()},
            )
        )
        reasons = self._violations(request, route)
        if reasons:
            return self._refuse(f"{route.operation_id}: {'; '.join(reasons)}")
        response = _build_response(route, self._choices.get(route.operation_id, _Choice()))
        return self._with_own_report(response) if route.operation_id == "fetch_job" else response

    def _with_own_report(self, response: Response) -> Response:
        """Point the report URL of the example job to this server."""
        found = msgspec.json.decode(response.get_data())
        result = found.get("job", {}).get("result") or {}
        if "report_url" in result:
            result["report_url"] = f"{self.url}{_REPORT}?{urlsplit(result['report_url']).query}"
        response.set_data(msgspec.json.encode(found))
        return response

    def _report(self, request: Request) -> Response:
        """Return a report to any holder of the signed URL, as an object store does."""
        self.received.append(
            Received("fetch_report", query=request.args.to_dict(), headers=dict(request.headers))
        )
        if "Authorization" in request.headers:
            return self._refuse("fetch_report: a token where none is needed")
        return _build_response(_routes()["generate_report"], _Choice(media_type=api_document.DOCX))

    def _violations(self, request: Request, route: _Route) -> list[str]:
        """Return the reasons why a request does not conform to its document."""
        for name, part in request.files.items():
            part.stream.seek(0)
            try:
                part.stream.read().decode("utf-8")
            except UnicodeDecodeError:
                return [f"part {name} is not UTF-8"]
        entry = route.entry
        result = _validator(self.url, route.prefix).unmarshal_request(
            WerkzeugOpenAPIRequest(request)
        )
        reasons = [str(error.__cause__ or error) for error in result.errors]
        # openapi-core does not check the following.
        known = {parameter["name"] for parameter in entry.parameters if parameter["in"] == "query"}
        reasons += [f"unknown query parameter {name}" for name in request.args if name not in known]
        if entry.request_body is None and request.get_data():
            reasons.append("a body where the document has none")
        if not entry.raw["security"] and "Authorization" in request.headers:
            reasons.append("a token where none is needed")
        if entry.raw["security"] and request.headers.get("Authorization") != f"Bearer {TOKEN}":
            reasons.append("a token other than the expected one")
        reasons += [
            f"part {name} has no file name" for name, f in request.files.items() if not f.filename
        ]
        return reasons

    def _refuse(self, reason: str) -> Response:
        self.problems.append(reason)
        return Response(reason, status=599, mimetype="text/plain")


@cache
def _routes() -> dict[str, _Route]:
    return {
        operation_id: _Route(operation_id, prefix, entry)
        for prefix, path in _DOCUMENTS.items()
        for operation_id, entry in api_document.operations(api_document.load(path)).items()
    }


def _route(request: Request) -> _Route | None:
    for route in _routes().values():
        path = f"{route.prefix}{route.entry.path}"
        if (route.entry.method.upper(), path) == (request.method, request.path):
            return route
    return None


@cache
def _validator(url: str, prefix: str) -> OpenAPI:
    document = {**api_document.load(_DOCUMENTS[prefix]), "servers": [{"url": f"{url}{prefix}"}]}
    # openapi-core cannot deserialize CSV, the part of the upload.
    config = CoreConfig(extra_media_type_deserializers={"text/csv": _decode})
    return OpenAPI.from_dict(document, config=config)


def _decode(value: bytes, **_: str) -> str:
    return value.decode("utf-8")


def _build_response(route: _Route, choice: _Choice) -> Response:
    """Build a response from one of the document's examples."""
    content = route.entry.responses[choice.status]["content"]
    media_type = choice.media_type or next(iter(content))
    examples = content[media_type]["examples"]
    example = examples[choice.example or next(iter(examples))]
    value = api_document.example_value(example, route.document)
    if media_type == "application/json":
        body = msgspec.json.encode(value)
    else:
        body = value if isinstance(value, bytes) else value.encode("utf-8")
    charset = "; charset=utf-8" if media_type.startswith("text/") else ""
    return Response(body, int(choice.status), content_type=media_type + charset)
