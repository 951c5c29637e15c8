"""Reports: their URLs, and the check that they are Word documents."""

from __future__ import annotations

import os
import zipfile
from typing import Any, BinaryIO

import httpx

from job_api_client.models import JobStatusTable
from prov_api_client import Operation
from prov_api_client.models import GenerateReportResponse
from prov_api_client.operation import Binary
from prov_facade._http.responses import ParsedResponse, redacted
from prov_facade._http.signed_url import SignedURL
from prov_facade._jobs.results import report_url
from prov_facade.errors import APIError, ReportError

_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_MAX_REDIRECTS = 5
_ZIP = b"PK\x03\x04"
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


def redirect_target(url: SignedURL, response: httpx.Response, redirects: int) -> SignedURL:
    """Return the URL that a response to the request for a report redirects to.

    Args:
        url: The requested URL.
        response: The redirect.
        redirects: The number of redirects followed before.

    Raises:
        ReportError: If the redirect cannot or must not be followed.
    """
    reason = f"there are more than {_MAX_REDIRECTS}"
    if redirects < _MAX_REDIRECTS:
        try:
            return url.redirected(response.headers["location"])
        except ValueError as error:
            reason = str(error)
    raise ReportError(
        f"the URL of the report redirects ({response.status_code}), and the redirect is not"
        f" followed: {reason}",
        response=redacted(response),
    )


def check_report(response: ParsedResponse[Any], file: BinaryIO) -> None:
    """Check the report in a response.

    Args:
        response: The response.
        file: The report.

    Raises:
        ReportError: If it is not a document.
    """
    incomplete = False
    try:
        with zipfile.ZipFile(file) as archive:
            if "[Content_Types].xml" in archive.namelist():
                return
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        # The end of an archive is its directory.
        file.seek(0)
        incomplete = file.read(len(_ZIP)) == _ZIP
    length = file.seek(0, os.SEEK_END)
    what = f"{length} bytes that are not a .docx document" if length else "an empty body"
    if incomplete:
        what = f"{length} bytes of a .docx document, which is incomplete"
    raise ReportError(
        f"the response has {what}", response=redacted(response.response), incomplete=incomplete
    )
