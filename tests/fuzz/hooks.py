"""Extensions of Schemathesis, which loads this module in its own process."""

from __future__ import annotations

import io
import json
import os
import random
import zipfile
import zlib
from pathlib import Path
from typing import Any, TypeAlias

import schemathesis
from api_document import DOCX
from fuzz.content import Content
from fuzz.ids import IdReplacer, order_times
from fuzz.links import add_links
from fuzz.status_counts import StatusCounts
from schemathesis.core.failures import Failure

Case: TypeAlias = schemathesis.Case[Any]

# How many of ten requests use existing ids. Requests made from examples always do.
_WITH_EXISTING_IDS = 8

_ids = IdReplacer(Content(**json.loads(Path(os.environ["FUZZ_CONTENT"]).read_text("utf-8"))))
_counts = StatusCounts(Path(os.environ["FUZZ_STATUSES"]))


@schemathesis.hook
def before_load_schema(_: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    """Add links to the document, for stateful tests."""
    add_links(raw_schema)


@schemathesis.hook
def before_add_examples(_: schemathesis.HookContext, examples: list[Case]) -> None:
    """Use existing ids in the examples of the document."""
    for case in examples:
        _use_existing_ids(case, _random_for(case))


@schemathesis.hook
def map_case(_: schemathesis.HookContext, case: Case) -> Case:
    """Use existing ids in most requests that match their schema."""
    # Other requests are not changed: only the schema violation may decide their response.
    if case.meta is not None and case.meta.generation.mode.is_positive:
        rng = _random_for(case)
        if rng.randrange(10) < _WITH_EXISTING_IDS:
            _use_existing_ids(case, rng)
        if isinstance(case.body, dict | list):
            case.body = order_times(case.body)
    return case


def _random_for(case: Case) -> random.Random:
    # A hook cannot draw random values. It derives its choices from the request, so that they are
    # the same when Schemathesis repeats or shrinks the request.
    request = repr((case.method, case.path, case.query, case.body))
    return random.Random(zlib.crc32(request.encode("utf-8", "surrogatepass")))  # noqa: S311


def _use_existing_ids(case: Case, rng: random.Random) -> None:
    case.query = _ids.query(case.query, rng)
    if isinstance(case.body, dict | list):
        case.body = _ids.body(case.body, rng)


@schemathesis.hook
def after_call(_: schemathesis.HookContext, case: Case, response: schemathesis.Response) -> None:
    """Record the status of a response."""
    # Schemathesis also sends methods that the path does not support.
    if response.request.method == case.operation.method.upper():
        _counts.add(case.operation.definition.raw["operationId"], response.status_code)


# Some requests that match the schema are documented as a 500: by the beginning of the path, that of
# the body.
_REFUSALS = (
    ("/jobs/user/", b'{"detail":"Unexpected internal error occurred: '),
    ("/explore/", b'{"detail":"The provided id '),
    ("/explore/", b'{"detail":"The graph store rejects the depth '),
    ("/bulk/regenerate_from_batch/csv", b"Internal Server Error"),
)
_UNREADABLE = b'{"detail":"There was an error parsing the body"}'


@schemathesis.hook
def filter_failure(
    _: schemathesis.HookContext,
    failure: Failure,
    case: Case,
    response: schemathesis.Response,
) -> bool:
    """Accept documented refusals: some with a 500, and a body that is not UTF-8 with a 400."""
    if failure.code == "ST201" and response.content == _UNREADABLE:  # not rejected with a 422
        return False
    return not (
        failure.code in ("ST101", "ST202")  # a server error; a valid request is rejected
        and response.status_code == 500
        and any(
            case.path.startswith(path) and response.content.startswith(body)
            for path, body in _REFUSALS
        )
    )


@schemathesis.deserializer(DOCX)
def document(_: schemathesis.DeserializationContext, response: schemathesis.Response) -> Any:
    """Return a report as text. A check validates it, since errors here can be ignored."""
    return response.content.decode("latin-1")


@schemathesis.check
def report_is_a_document(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: Case
) -> None:
    """Check that Word can open a report, since the schema does not describe its bytes."""
    if DOCX in response.headers.get("content-type", []):
        text = f"the body of {case.path} is not a {DOCX}"
        try:
            with zipfile.ZipFile(io.BytesIO(response.content)) as package:
                names = package.namelist()
        except zipfile.BadZipFile as error:
            raise AssertionError(text) from error
        assert {"[Content_Types].xml", "word/document.xml"} <= set(names), text
