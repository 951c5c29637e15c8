"""Reports: their URLs, and the check that they are Word documents."""

from __future__ import annotations

import io
import os
import zipfile
from typing import Any, BinaryIO

from job_api_client.models import JobStatusTable
from prov_api_client import Operation
from prov_api_client.models import GenerateReportResponse
from prov_api_client.operation import Binary
from prov_facade._http.responses import ParsedResponse, redacted
from prov_facade._http.signed_url import SignedURL
from prov_facade._jobs.results import report_url
from prov_facade.errors import APIError, ReportError

_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_ANY_FILE = ("application/octet-stream", "binary/octet-stream", "application/zip", "")


FETCH_REPORT: Operation[bytes] = Operation(
    operation_id="fetch_report",
    method="GET",
    path="",
    safe=True,
    secured=False,
    roles=(),
    parameters={},
    body=None,
    # The content type of an object store is not reliable, so the bytes are checked.
    responses={"200": dict.fromkeys((_WORD, *_ANY_FILE), Binary())},
)
"""Fetches a report that a job made, from a URL that no OpenAPI document describes."""


def signed_report_url(job: JobStatusTable) -> SignedURL:
    """Return the URL of the report that a job made. Anyone who has the URL can read the report.

    Raises:
        ReportError: If the job has no valid URL.
    """
    try:
        return SignedURL.parse(report_url(job))
    except ValueError:
        raise ReportError(
            f"the job {job.session_id} has no valid report URL", session_id=job.session_id
        ) from None


def report_unavailable(error: APIError, job: JobStatusTable) -> ReportError:
    """Create the error for a report that is not available at a job's URL."""
    return ReportError(
        f"{error}. The URL of a report is valid for about an hour: generate another report if the"
        f" job {job.session_id} ended longer ago",
        session_id=job.session_id,
        response=error.response,
    )


def report_job(response: ParsedResponse[GenerateReportResponse | bytes]) -> str | None:
    """Return the session id of the job that makes the report; ``None`` without a job."""
    value = response.value
    return value.session_id if isinstance(value, GenerateReportResponse) else None


def report_document(response: ParsedResponse[Any], *, session_id: str | None = None) -> bytes:
    """Return the report in a response.

    Args:
        response: A response that should contain a report.
        session_id: The job that made it, if any.

    Returns:
        The bytes of the ``.docx`` document.

    Raises:
        ReportError: If the bytes are not a document.
    """
    value: bytes = response.value
    check_report(response, io.BytesIO(value), session_id=session_id)
    return value


def check_report(
    response: ParsedResponse[Any], file: BinaryIO, *, session_id: str | None = None
) -> None:
    """Check the report that was saved from a response.

    Args:
        response: The response.
        file: The file that its body was written to.
        session_id: The job that made it, if any.

    Raises:
        ReportError: If it is not a document.
    """
    if is_word_document(file):
        return
    length = file.seek(0, os.SEEK_END)
    what = f"{length} bytes that are not a .docx document" if length else "an empty body"
    raise ReportError(
        f"the response has {what}", session_id=session_id, response=redacted(response.response)
    )


def is_word_document(file: BinaryIO) -> bool:
    """Return whether a file is a Word document."""
    try:
        with zipfile.ZipFile(file) as archive:
            return "[Content_Types].xml" in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        return False
