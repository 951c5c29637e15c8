"""Documents that go up and come down as files: CSV and reports."""

from __future__ import annotations

import io
import zipfile

from prov_api_client.models import BodyConvertModelRunsCsv, GenerateReportResponse
from prov_api_client.types import File
from prov_facade._answers import Answer, without_secrets
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
    response = without_secrets(answer.response)
    if isinstance(value, GenerateReportResponse):
        raise ReportError(
            f"{answer.call} gave no document: this server makes reports in a job, and has started"
            f" the job {value.session_id}. Follow it with the job-api; its result holds the"
            " address of the document",
            session_id=value.session_id,
            call=answer.call,
            response=response,
        )
    if not _is_word_document(value):
        what = "an empty body" if not value else f"{len(value)} bytes that are not a .docx document"
        raise ReportError(f"{answer.call} gave {what}", call=answer.call, response=response)
    return value


def _is_word_document(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "[Content_Types].xml" in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        return False
