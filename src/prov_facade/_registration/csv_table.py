"""A CSV file of model runs: its rows, and the columns about their jobs."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import os
from collections.abc import Iterable
from pathlib import Path

from attrs import define, field, frozen

from prov_facade import errors
from prov_facade._files.atomic import replace_file
from prov_facade._registration.batch import BulkResult

JOB_ID = "_job_id"
JOB_STATUS = "_job_status"
RECORD_ID = "_model_run_record_id"
ERROR_INFO = "_error_info"

# The apostrophe as well, so that escaped text can be told from text that starts with one.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "'")

_MAX_CELL = 30_000
_COLUMNS = (JOB_ID, JOB_STATUS, RECORD_ID, ERROR_INFO)


class ConversionWarning(UserWarning):
    """The server ignored something in a CSV file."""


@frozen
class CSVRegistration:
    """The result of registering a CSV file.

    Attributes:
        path: The file with the job columns filled in.
        warnings: What the server ignored.
        results: The results of the new rows, in their order.
        existing: The session ids of the rows that were submitted before.
        unknown_jobs: Those of them that the job-api does not know, or whose job belongs to another
            user, with the error.
    """

    path: Path
    warnings: list[str]
    results: list[BulkResult]
    existing: list[str]
    unknown_jobs: dict[str, errors.ProvError] = field(factory=dict)


@frozen
class JobCells:
    """The cells of a row about its job."""

    job_id: str
    status: str
    record_id: str
    error: str


@define
class Table:
    """The rows of a CSV file.

    Attributes:
        text: The content, as it is sent.
        rows: The rows, of which the first is the header.
        has_bom: Whether the file starts with a byte order mark.
        line_end: The line terminator.
        checksum: The checksum of the file.
    """

    text: str
    rows: list[list[str]] = field(repr=False)
    has_bom: bool
    line_end: str
    checksum: str

    @classmethod
    def read(cls, path: object) -> Table:
        """Read a file.

        Raises:
            InvalidRequestError: If it cannot be read, is not UTF-8, or has no job columns.
        """
        try:
            content = Path(os.fspath(path)).read_bytes()  # type: ignore[call-overload]
            text = content.removeprefix(codecs.BOM_UTF8).decode()
            rows = list(csv.reader(io.StringIO(text, newline="")))
        except (OSError, TypeError, ValueError, csv.Error) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise errors.InvalidRequestError(
                f"nothing was sent: the CSV file {str(path)!r} cannot be read: {reason}",
                path="$.path",
            ) from error
        header = rows[0] if rows else []
        missing = [name for name in _COLUMNS if name not in header]
        if missing:
            raise errors.InvalidRequestError(
                f"nothing was sent: the CSV file {str(path)!r} lacks the columns"
                f" {', '.join(missing)}: start with generate_csv_template",
                path="$.path",
            )
        # Only the first line counts: cells may contain other line breaks.
        line_end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
        has_bom = content.startswith(codecs.BOM_UTF8)
        return cls(text, rows, has_bom, line_end, checksum(content))

    @property
    def new(self) -> list[list[str]]:
        """The rows without a job."""
        return [row for row in self._data_rows() if not self.cell(row, JOB_ID)]

    @property
    def existing(self) -> list[list[str]]:
        """The rows with a job."""
        return [row for row in self._data_rows() if self.cell(row, JOB_ID)]

    def cell(self, row: list[str], column: str) -> str:
        """Return a cell about the job of a row, stripped."""
        position = self.rows[0].index(column)
        return _unescaped(row[position]).strip() if position < len(row) else ""

    def fill(self, row: list[str], cells: JobCells) -> None:
        """Fill in the job columns of a row."""
        row += [""] * (len(self.rows[0]) - len(row))
        values = (cells.job_id, cells.status, cells.record_id, cells.error)
        for column, value in zip(_COLUMNS, values, strict=True):
            # The csv module cannot read cells of more than 131,072 characters.
            row[self.rows[0].index(column)] = _escaped(value[:_MAX_CELL])

    def content(self) -> bytes:
        """Return the content of the file, in which only the filled cells differ."""
        lines = []
        for row in self.rows:
            line = io.StringIO(newline="")
            # With "\n", Python 3.11 and 3.12 do not quote a cell that contains "\r".
            csv.writer(line, lineterminator="\r\n").writerow(row)
            lines.append(line.getvalue().removesuffix("\r\n") + self.line_end)
        bom = codecs.BOM_UTF8 if self.has_bom else b""
        return bom + "".join(lines).encode()

    def _data_rows(self) -> Iterable[list[str]]:
        # The server skips empty lines.
        return (row for row in self.rows[1:] if row)


def _escaped(text: str) -> str:
    """Prevent spreadsheets from running the server's text as a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _unescaped(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA_STARTS) else cell


def checksum(content: bytes) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def check_unchanged(path: str | os.PathLike[str], expected: str) -> None:
    """Check that a file has not changed since it was read.

    Args:
        path: The file.
        expected: Its checksum when it was read.

    Raises:
        FileError: If it has been changed.
    """
    try:
        fault = "it has been changed since it was read"
        if checksum(Path(path).read_bytes()) == expected:
            return
        number = None
    except OSError as error:
        fault, number = error.strerror or str(error), error.errno
    raise errors.FileError(
        f"the CSV file {str(path)!r} was not written: {fault}. Call register_csv again to continue",
        number=number,
        filename=str(path),
    )


def save(path: Path, content: bytes, *, overwrite: bool) -> None:
    """Write a file atomically.

    Args:
        path: The file.
        content: Its content.
        overwrite: Whether to replace an existing file.

    Raises:
        FileError: If it cannot be written.
    """
    try:
        replace_file(path, content, overwrite=overwrite)
    except OSError as error:
        raise errors.FileError(
            f"the CSV file could not be saved at {str(path)!r}: {error.strerror or error}",
            number=error.errno,
            filename=str(path),
        ) from error
