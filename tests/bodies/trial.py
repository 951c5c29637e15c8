"""Parses random and corrupted bodies, which must yield a value or a `ProvError`."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Mapping
from typing import Any

import api_document
import httpx
import msgspec

import job_api_client
import prov_api_client
from prov_api_client import Operation
from prov_facade import ProvError
from prov_facade._files.reports import check_report, report_job
from prov_facade._http.responses import ParsedResponse, parse_response, redacted

# The operations of both documents, whose names are unique.
OPERATIONS: Mapping[str, Operation[Any]] = {
    **prov_api_client.OPERATIONS,
    **job_api_client.OPERATIONS,
}
DOCUMENTS = [api_document.load(path) for path in api_document.DOCUMENT_PATHS]
ENTRIES = {
    operation_id: (entry, document)
    for document in DOCUMENTS
    for operation_id, entry in api_document.operations(document).items()
}

STATUSES = (200, 200, 200, 200, 201, 204, 304, 400, 401, 404, 418, 422, 429, 500, 502, 599)
MEDIA_TYPES = (
    "application/json",
    "application/json; charset=utf-16",
    "text/plain; charset=nonsense",
    "text/html",
    "text/csv",
    api_document.DOCX,
    "",
)
PIECES = (
    b"null",
    b"{}",
    b"[]",
    b'"',
    b"\\ud800",
    b"\xff\xfe",
    b"1e999",
    b"-",
    b"[" * 2000,
    b'{"detail": ',
    b"<title>",
    b"PK\x03\x04",
    b"99999999999999999999",
    b"\x00",
    b'"success": false',
)


def trials(operation_id: str, count: int, seed: int) -> Iterator[str]:
    """Parse bodies as responses of an operation, and yield every other exception.

    Args:
        operation_id: The operation.
        count: The number of bodies.
        seed: The seed of the random numbers.
    """
    chance = random.Random(f"{operation_id} {seed}")  # noqa: S311  (no secrets here)
    operation = OPERATIONS[operation_id]
    examples = _examples(operation_id)
    expected = [kind for kinds in operation.responses.values() for kind in kinds]
    for _ in range(count):
        body = _corrupted(chance.choice(examples), chance)
        kind = chance.choice([*expected, *expected, *MEDIA_TYPES])
        headers = [
            (b"content-type", kind.encode()),
            (b"retry-after", chance.choice([b"7", b"-1", b"\xb2", b"Mon", b"9" * 400])),
        ]
        response = httpx.Response(
            chance.choice(STATUSES),
            headers=headers,
            content=body,
            request=httpx.Request(operation.method, "http://prov.test"),
        )
        try:
            parsed: ParsedResponse[Any] = parse_response(operation, response)
            redacted(response)
            if operation_id == "generate_report" and report_job(parsed) is None:
                check_report(parsed, io.BytesIO(parsed.value))
        except ProvError as error:
            str(error)
        except Exception as error:  # noqa: BLE001  (trials look for these)
            yield f"{type(error).__name__}: {error} - {response.status_code} {kind} {body!r}"


def _examples(operation_id: str) -> list[bytes]:
    found = [b""]
    entry, document = ENTRIES[operation_id]
    for response in entry.responses.values():
        for content in response.get("content", {}).values():
            for example in content.get("examples", {}).values():
                value = api_document.example_value(example, document)
                raw = value.encode() if isinstance(value, str) else value
                found.append(raw if isinstance(raw, bytes) else msgspec.json.encode(raw))
    return found


def _corrupted(body: bytes, chance: random.Random) -> bytes:
    match chance.randrange(6):
        case 0:
            return chance.randbytes(chance.randrange(200))
        case 1:
            return body[: chance.randrange(len(body) + 1)]
        case 2:
            place = chance.randrange(len(body) + 1)
            return body[:place] + chance.choice(PIECES) + body[place:]
        case 3:
            start, end = sorted(chance.randrange(len(body) + 1) for _ in range(2))
            return body[:start] + chance.choice(PIECES) + body[end:]
        case 4:
            corrupted = bytearray(body or b"{}")
            for _ in range(chance.randrange(1, 8)):
                corrupted[chance.randrange(len(corrupted))] = chance.randrange(256)
            return bytes(corrupted)
        case _:
            return body
