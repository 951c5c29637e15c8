"""A mock prov-api that is driven by the OpenAPI document.

It checks that each request conforms to the document (path, query, headers, body, upload), and
answers with the document's own examples, for any status that the document knows. It keeps no state:
what it answers does not depend on what it was sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType
from typing import Any, Self

import api_document
import msgspec
from openapi_core import Config as CoreConfig
from openapi_core import OpenAPI
from openapi_core.contrib.werkzeug import WerkzeugOpenAPIRequest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from prov_facade import APIOverrides, BearerToken, Config

TOKEN = "contract-token"


@dataclass(frozen=True)
class Received:
    """A request that the server has received.

    Attributes:
        operation_id: The operation that it calls.
        query: Its query parameters.
        headers: Its headers.
        json: Its body, decoded, if that is JSON.
        files: The content of each uploaded file, by the name of its part.
    """

    operation_id: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    json: Any = None
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class _Choice:
    """Which of the document's answers is given."""

    status: str = "200"
    media_type: str | None = None
    example: str | None = None


class ContractServer:
    """The mock server, on a free port of the loopback interface, started on ``with``.

    Args:
        token: The token that it takes.
    """

    def __init__(self, *, token: str = TOKEN) -> None:
        self._token = token
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
        """Where the server listens."""
        return self._http.url_for("").rstrip("/")

    @property
    def config(self) -> Config:
        """A configuration that leads here."""
        return Config(
            "provena.example.org", "provena", APIOverrides(prov_api_endpoint_override=self.url)
        )

    @property
    def auth(self) -> BearerToken:
        """A token that the server takes."""
        return BearerToken(self._token)

    def answer(
        self,
        operation_id: str,
        status: str | int = 200,
        *,
        media_type: str | None = None,
        example: str | None = None,
    ) -> None:
        """Choose how calls of an operation are answered from now on.

        Args:
            operation_id: The operation.
            status: A status that the document knows.
            media_type: One of the media types of that response; the first by default.
            example: The name of one of its examples; the first by default.
        """
        self._choices[operation_id] = _Choice(str(status), media_type, example)

    def warm_up(self) -> None:
        """Load the document now, which takes longer than a client may be ready to wait."""
        _validator(self.url)

    def reset(self) -> None:
        """Forget what was chosen and received."""
        self._choices.clear()
        self.received.clear()
        self.problems.clear()

    def check(self) -> None:
        """Fail if a request has departed from the document.

        Raises:
            AssertionError: With the reasons.
        """
        assert not self.problems, "requests departed from the document:\n" + "\n".join(
            self.problems
        )

    def _handle(self, request: Request) -> Response:
        body = request.get_data(cache=True, parse_form_data=False)
        operation_id = _operation_id(request)
        if operation_id is None:
            return self._refuse(f"{request.method} {request.path} is no operation of the document")
        self.received.append(
            Received(
                operation_id,
                query=request.args.to_dict(),
                headers=dict(request.headers),
                json=msgspec.json.decode(body) if request.is_json else None,
                files={name: part.stream.read() for name, part in request.files.items()},
            )
        )
        reasons = self._departures(request, operation_id)
        if reasons:
            return self._refuse(f"{operation_id}: {'; '.join(reasons)}")
        return _answer(operation_id, self._choices.get(operation_id, _Choice()))

    def _departures(self, request: Request, operation_id: str) -> list[str]:
        """Say in what a request departs from the document."""
        for name, part in request.files.items():
            part.stream.seek(0)
            try:
                part.stream.read().decode("utf-8")
            except UnicodeDecodeError:
                return [f"part {name} is not UTF-8"]
        entry = api_document.operations()[operation_id]
        result = _validator(self.url).unmarshal_request(WerkzeugOpenAPIRequest(request))
        reasons = [str(error.__cause__ or error) for error in result.errors]
        # What openapi-core lets pass:
        known = {parameter["name"] for parameter in entry.parameters if parameter["in"] == "query"}
        reasons += [f"unknown query parameter {name}" for name in request.args if name not in known]
        if entry.request_body is None and request.get_data():
            reasons.append("a body where the document has none")
        if not entry.raw["security"] and "Authorization" in request.headers:
            reasons.append("a token where none is needed")
        if (
            entry.raw["security"]
            and request.headers.get("Authorization") != f"Bearer {self._token}"
        ):
            reasons.append("another token than the one that was given")
        reasons += [
            f"part {name} has no file name" for name, f in request.files.items() if not f.filename
        ]
        return reasons

    def _refuse(self, reason: str) -> Response:
        self.problems.append(reason)
        return Response(reason, status=599, mimetype="text/plain")


def _operation_id(request: Request) -> str | None:
    for operation_id, entry in api_document.operations().items():
        if (entry.method.upper(), entry.path) == (request.method, request.path):
            return operation_id
    return None


@cache
def _validator(url: str) -> OpenAPI:
    document = {**api_document.load(), "servers": [{"url": url}]}
    # openapi-core has no reader for CSV, the part of the upload.
    config = CoreConfig(extra_media_type_deserializers={"text/csv": _decoded})
    return OpenAPI.from_dict(document, config=config)


def _decoded(value: bytes, **_: str) -> str:
    return value.decode("utf-8")


def _answer(operation_id: str, choice: _Choice) -> Response:
    """Lay out one of the document's examples as a response."""
    content = api_document.operations()[operation_id].responses[choice.status]["content"]
    media_type = choice.media_type or next(iter(content))
    examples = content[media_type]["examples"]
    example = api_document.resolve(examples[choice.example or next(iter(examples))])
    value = api_document.example_value(example)
    if media_type == "application/json":
        body = msgspec.json.encode(value)
    else:
        body = value if isinstance(value, bytes) else value.encode("utf-8")
    charset = "; charset=utf-8" if media_type.startswith("text/") else ""
    return Response(body, int(choice.status), content_type=media_type + charset)
