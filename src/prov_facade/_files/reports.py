"""Documents that go up and come down as files: CSV and reports."""

from __future__ import annotations

import io
import os
import zipfile
from typing import Any, BinaryIO

import httpx

from job_api_client.models import JobStatusTable
from prov_api_client import Operation
from prov_api_client.models import BodyConvertModelRunsCsv, GenerateReportResponse
from prov_api_client.operation import Binary
from prov_api_client.types import File
from prov_facade._http.responses import ParsedResponse, redacted
from prov_facade.errors import APIError, Call, InvalidRequestError, ReportError

_BYTE_ORDER_MARK = "\ufeff"
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_ANY_FILE = ("application/octet-stream", "binary/octet-stream", "application/zip", "")


def csv_upload(contents: object, call: Call) -> BodyConvertModelRunsCsv:
    """Make an upload of the text of a CSV file.

    Args:
        contents: The text. A leading byte order mark, as spreadsheets write it, is left out: the
            server would take it for a part of the first header.
        call: What an error says about the call.

    Returns:
        The upload: UTF-8, with a file name, which the server insists on.

    Raises:
        InvalidRequestError: If it is not text, or text that UTF-8 cannot encode.
    """
    if not isinstance(contents, str):
        raise InvalidRequestError(
            f"{call} was not sent: the contents of the CSV file must be a str, not"
            f" {type(contents).__name__}",
            call=call,
        )
    try:
        encoded = contents.removeprefix(_BYTE_ORDER_MARK).encode()
    except UnicodeEncodeError as error:
        raise InvalidRequestError(
            f"{call} was not sent: the CSV text cannot be encoded as UTF-8: {error.reason} at"
            f" position {error.start}",
            call=call,
        ) from error
    return BodyConvertModelRunsCsv(
        csv_file=File(io.BytesIO(encoded), file_name="model_runs.csv", mime_type="text/csv")
    )


FETCH_REPORT: Operation[bytes] = Operation(
    operation_id="fetch_report",
    method="GET",
    path="",
    safe=True,
    secured=False,
    roles=(),
    parameters={},
    body=None,
    # An object store says what it was told, or nothing in particular; the bytes are looked at.
    responses={"200": dict.fromkeys((_WORD, *_ANY_FILE), Binary())},
)
"""The fetching of a report that a job made, from an address that no document describes."""


def signed_address(url: str, job: JobStatusTable) -> tuple[str, str]:
    """Take the address of a report apart.

    Args:
        url: The address. Whoever has it can read the report, for as long as it is good.
        job: The job that gave it.

    Returns:
        The part that may be shown, and what the server is to be asked for: the path and the query.

    Raises:
        ReportError: If it is no address.
    """
    try:
        parsed = httpx.URL(url)
        target = parsed.raw_path.decode("ascii")
    except (httpx.InvalidURL, ValueError):
        parsed, target = httpx.URL(""), ""
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ReportError(
            f"the job {job.session_id} names no address of a report that could be used",
            session_id=job.session_id,
        )
    return str(parsed.copy_with(query=None, fragment=None, userinfo=b"")), target


def no_report(error: APIError, job: JobStatusTable) -> ReportError:
    """Make the error for a report that is not to be had at the address that a job names."""
    return ReportError(
        f"{error}. The address of a report is good for about an hour: make another one, if it is"
        f" longer since the job {job.session_id} has ended",
        session_id=job.session_id,
        call=error.call,
        response=error.response,
    )


def started_job(answer: ParsedResponse[GenerateReportResponse | bytes]) -> str | None:
    """Return the session id of the job that makes the report; ``None`` where it came at once."""
    value = answer.value
    return value.session_id if isinstance(value, GenerateReportResponse) else None


def report_document(answer: ParsedResponse[Any], *, session_id: str | None = None) -> bytes:
    """Take the report out of an answer.

    Args:
        answer: An answer that should hold one.
        session_id: The job that made it, if one did.

    Returns:
        The bytes of the ``.docx`` document.

    Raises:
        ReportError: If the bytes are not a document.
    """
    value: bytes = answer.value
    check_report(answer, io.BytesIO(value), session_id=session_id)
    return value


def check_report(
    answer: ParsedResponse[Any], file: BinaryIO, *, session_id: str | None = None
) -> None:
    """Check the report that a file took from an answer.

    Args:
        answer: The answer.
        file: What took the document.
        session_id: The job that made it, if one did.

    Raises:
        ReportError: If it is not a document.
    """
    if is_word_document(file):
        return
    length = file.seek(0, os.SEEK_END)
    what = f"{length} bytes that are not a .docx document" if length else "an empty body"
    raise ReportError(
        f"{answer.call} gave {what}",
        session_id=session_id,
        call=answer.call,
        response=redacted(answer.response),
    )


def is_word_document(file: BinaryIO) -> bool:
    """Say whether a file is a Word document."""
    try:
        with zipfile.ZipFile(file) as archive:
            return "[Content_Types].xml" in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        return False
