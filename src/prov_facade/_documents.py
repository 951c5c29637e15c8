"""Documents that go up and come down as files: CSV and reports."""

from __future__ import annotations

import io
import os
import zipfile
from typing import Any, BinaryIO

from prov_api_client.models import BodyConvertModelRunsCsv, GenerateReportResponse
from prov_api_client.types import File
from prov_facade._answers import Answer, without_secrets
from prov_facade._files import Download
from prov_facade.errors import Call, InvalidRequestError, ReportError

_BYTE_ORDER_MARK = "\ufeff"


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


def report_document(answer: Answer[GenerateReportResponse | bytes]) -> bytes:
    """Take the report out of an answer.

    Args:
        answer: The answer of ``generate_report``.

    Returns:
        The bytes of the ``.docx`` document.

    Raises:
        ReportError: If the server has started a job instead, or if the bytes are not a document.
    """
    value = answer.value
    if isinstance(value, GenerateReportResponse):
        raise _started_job(answer, value)
    if not is_word_document(io.BytesIO(value)):
        raise _no_document(answer, len(value))
    return value


async def check_report(answer: Answer[GenerateReportResponse | bytes], file: Download) -> None:
    """Check the report that a file took from an answer.

    Args:
        answer: The answer of ``generate_report``.
        file: What took the document, if there was one.

    Raises:
        FileError: If the file cannot be read.
        ReportError: If the server has started a job instead, or if it is not a document.
    """
    if isinstance(answer.value, GenerateReportResponse):
        raise _started_job(answer, answer.value)
    if not await file.check(is_word_document):
        raise _no_document(answer, await file.check(_length))


def _started_job(answer: Answer[Any], value: GenerateReportResponse) -> ReportError:
    return ReportError(
        f"{answer.call} gave no document: this server makes reports in a job, and has started"
        f" the job {value.session_id}. Follow it with the job-api; its result holds the"
        " address of the document",
        session_id=value.session_id,
        call=answer.call,
        response=without_secrets(answer.response),
    )


def _no_document(answer: Answer[Any], length: int) -> ReportError:
    what = f"{length} bytes that are not a .docx document" if length else "an empty body"
    return ReportError(
        f"{answer.call} gave {what}",
        call=answer.call,
        response=without_secrets(answer.response),
    )


def is_word_document(file: BinaryIO) -> bool:
    """Say whether a file is a Word document."""
    try:
        with zipfile.ZipFile(file) as archive:
            return "[Content_Types].xml" in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        return False


def _length(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)
