"""What Schemathesis is told beyond its configuration. It loads this module in its own process."""

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
from fuzz.grounding import Grounding, put_times_in_order
from fuzz.links import add_links
from fuzz.material import Material
from fuzz.reached import Reached
from schemathesis.core.failures import Failure

Case: TypeAlias = schemathesis.Case[Any]

_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

# How many of ten requests name what exists. Those made of the documents' examples all do.
_GROUNDED = 8

_grounding = Grounding(Material(**json.loads(Path(os.environ["FUZZ_MATERIAL"]).read_text("utf-8"))))
_reached = Reached(Path(os.environ["FUZZ_REACHED"]))


@schemathesis.hook
def before_load_schema(_: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    """Give the document links, for the stateful tests."""
    add_links(raw_schema)


@schemathesis.hook
def before_add_examples(_: schemathesis.HookContext, examples: list[Case]) -> None:
    """Let the examples of the document name what exists."""
    for case in examples:
        _ground(case, _chooser(case))


@schemathesis.hook
def map_case(_: schemathesis.HookContext, case: Case) -> Case:
    """Let most requests that fit their schema name what exists."""
    # What does not fit its schema stays as it is: only what is wrong with it may decide the answer.
    if case.meta is not None and case.meta.generation.mode.is_positive:
        choose = _chooser(case)
        if choose.randrange(10) < _GROUNDED:
            _ground(case, choose)
        if isinstance(case.body, dict | list):
            case.body = put_times_in_order(case.body)
    return case


def _chooser(case: Case) -> random.Random:
    # A hook may draw nothing, so what it chooses follows from the request: it is the same again
    # when Schemathesis repeats or shrinks the request.
    request = repr((case.method, case.path, case.query, case.body))
    return random.Random(zlib.crc32(request.encode("utf-8", "surrogatepass")))  # noqa: S311


def _ground(case: Case, choose: random.Random) -> None:
    case.query = _grounding.query(case.query, choose)
    if isinstance(case.body, dict | list):
        case.body = _grounding.body(case.body, choose)


@schemathesis.hook
def after_call(_: schemathesis.HookContext, case: Case, response: schemathesis.Response) -> None:
    """Note which operation answered what."""
    # The others are requests with a method that the path does not know.
    if response.request.method == case.operation.method.upper():
        _reached.note(case.operation.definition.raw["operationId"], response.status_code)


_NO_PAGE = (
    b'{"detail":"The pagination key is not one that was given out."}',
    b'{"detail":"The limit must be at least 1."}',
)


@schemathesis.hook
def filter_failure(
    _: schemathesis.HookContext,
    failure: Failure,
    case: Case,
    response: schemathesis.Response,
) -> bool:
    """Let a documented answer pass: the job-api's 500 to a page that it did not offer."""
    return not (
        failure.code in ("ST101", "ST202")  # a server error; what fits its schema is refused
        and case.path in ("/jobs/user/list", "/jobs/user/list_batch")
        and response.status_code == 500
        and response.content in _NO_PAGE
    )


@schemathesis.deserializer(_WORD)
def document(_: schemathesis.DeserializationContext, response: schemathesis.Response) -> Any:
    """Hand a report on as text. Whether it is one is for a check: an error here may go unseen."""
    return response.content.decode("latin-1")


@schemathesis.check
def report_is_a_document(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: Case
) -> None:
    """Hold a report to what Word opens: its schema says nothing of the bytes."""
    if _WORD in response.headers.get("content-type", []):
        text = f"{case.path} answers with {_WORD} that is none"
        try:
            with zipfile.ZipFile(io.BytesIO(response.content)) as package:
                names = package.namelist()
        except zipfile.BadZipFile as error:
            raise AssertionError(text) from error
        assert {"[Content_Types].xml", "word/document.xml"} <= set(names), text
