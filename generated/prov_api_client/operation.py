# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""What an operation is: how its request is laid out, and how its answers are read."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
import msgspec
from attrs import field, frozen

from . import errors
from .types import RequestFiles, Response, plain

T = TypeVar("T")


class Json:
    """Reads a JSON body into a type."""

    def __init__(self, type: Any) -> None:  # noqa: A002
        self.type = type
        # At once, not when it is first needed, for the reason that `types.prepare` gives.
        self._decoder = msgspec.json.Decoder(type)

    def read(self, response: httpx.Response) -> Any:
        """Decode and check the body."""
        if not response.content:
            raise errors.UnreadableBody(response, "the body is empty, JSON was expected")
        try:
            return self._decoder.decode(response.content)
        except msgspec.ValidationError as error:
            raise errors.UnreadableBody(response, f"the JSON has another shape: {error}") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise errors.UnreadableBody(response, f"the body is not JSON: {error}") from error


class Text:
    """Reads a text body in the charset that the response names, UTF-8 if it names none."""

    def read(self, response: httpx.Response) -> str:
        """Decode the body; a byte that does not fit is an error, never replaced."""
        charset = response.charset_encoding or "utf-8"
        try:
            return response.content.decode(charset)
        except (UnicodeError, LookupError) as error:
            raise errors.UnreadableBody(response, f"the text is not {charset}: {error}") from error


class Binary:
    """Takes a body as it is."""

    def read(self, response: httpx.Response) -> bytes:
        """Return the bytes."""
        return response.content


Reader = Json | Text | Binary


@frozen(kw_only=True)
class Operation(Generic[T]):
    """An operation of the document.

    Attributes:
        operation_id: Its name.
        method: The HTTP method.
        path: The path, with `{names}` for its parameters.
        safe: Whether the operation changes nothing, so that it may be repeated freely.
        secured: Whether it needs a token.
        roles: The roles that the token must carry, all of them.
        parameters: The type of each parameter, limits included, by its Python name.
        body: The type of the request body, or `None`.
        responses: How to read an answer, by status (`200`, `2XX`, `default`) and media type.
    """

    operation_id: str
    method: str
    path: str
    safe: bool
    secured: bool
    roles: tuple[str, ...]
    parameters: Mapping[str, Any]
    body: Any
    responses: Mapping[str, Mapping[str, Reader]]

    def read(self, response: httpx.Response) -> T:
        """Read the value out of a response.

        Args:
            response: A response whose body has been received.

        Returns:
            The value that the document promises.

        Raises:
            errors.UnexpectedStatus: If the status is not a documented success.
            errors.UnexpectedContentType: If the content type is not a documented one.
            errors.UnreadableBody: If the body is malformed, or of another shape.
        """
        status = response.status_code
        readers = self._readers(status)
        if readers is None:
            raise errors.UnexpectedStatus(response, f"status {status} is not a documented success")
        if not readers:
            return None  # type: ignore[return-value]
        content_type = response.headers.get("content-type", "")
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type not in readers:
            raise errors.UnexpectedContentType(
                response,
                f"expected {' or '.join(readers)}, got {media_type or 'no content type'}",
            )
        value: Any = readers[media_type].read(response)
        return value  # type: ignore[no-any-return]

    def respond(self, response: httpx.Response) -> Response[T]:
        """Keep a response whole: `parsed` is set when the status is a documented success."""
        known = self._readers(response.status_code) is not None
        return Response(
            status_code=response.status_code,
            content=response.content,
            headers=response.headers,
            parsed=self.read(response) if known else None,
        )

    def _readers(self, status: int) -> Mapping[str, Reader] | None:
        # `default` is left out: documents describe errors with it.
        if not 200 <= status < 300:
            return None
        return self.responses.get(str(status), self.responses.get("2XX"))


@frozen
class Request(Generic[T]):
    """A call of an operation: the arguments, not yet on the wire.

    Attributes:
        operation: The operation.
        path: Values of the path parameters, by Python name.
        query: Values of the query parameters, by the name on the wire; `None` is not sent.
        headers: Values of the header parameters, likewise.
        body: The body that is sent as JSON.
        files: The parts of a multipart body.
    """

    operation: Operation[T]
    path: Mapping[str, Any] = field(factory=dict, kw_only=True)
    query: Mapping[str, Any] = field(factory=dict, kw_only=True)
    headers: Mapping[str, Any] = field(factory=dict, kw_only=True)
    body: Any = field(default=None, kw_only=True)
    files: RequestFiles | None = field(default=None, kw_only=True)

    def to_httpx(self) -> dict[str, Any]:
        """Return the arguments of `httpx.Client.request`."""
        path = {name: quote(str(value), safe="") for name, value in self.path.items()}
        arguments: dict[str, Any] = {
            "method": self.operation.method,
            "url": self.operation.path.format(**path),
        }
        query = {name: value for name, value in self.query.items() if value is not None}
        if query:
            arguments["params"] = query
        headers = {name: str(value) for name, value in self.headers.items() if value is not None}
        if self.files is not None:
            arguments["files"] = self.files
        elif self.operation.body is not None:
            arguments["content"] = msgspec.json.encode(self.body, enc_hook=plain)
            headers["Content-Type"] = "application/json"
        if headers:
            arguments["headers"] = headers
        return arguments
