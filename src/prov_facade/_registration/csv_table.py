"""A CSV file of model runs on this machine: its rows, and the columns that tell of their jobs."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import os
from collections.abc import Iterable
from pathlib import Path

from attrs import field, frozen

from prov_facade import errors
from prov_facade._files.atomic import replace_file
from prov_facade._registration.batch import BulkResult

JOB_ID = "_job_id"
JOB_STATUS = "_job_status"
RECORD_ID = "_model_run_record_id"
ERROR_INFO = "_error_info"

_COLUMNS = (JOB_ID, JOB_STATUS, RECORD_ID, ERROR_INFO)


class ConversionWarning(UserWarning):
    """What the server passed over in a CSV file."""


@frozen
class CSVRegistration:
    """What came of a CSV file.

    Attributes:
        path: The file with the job columns filled in.
        warnings: What the server passed over.
        results: What has become of the rows that were registered, in their order.
        existing: The jobs of the rows that had been submitted before.
    """

    path: Path
    warnings: list[str]
    results: list[BulkResult]
    existing: list[str]


@frozen
class JobCells:
    """What a row says of its job."""

    job_id: str
    status: str
    record_id: str
    error: str


@frozen
class Table:
    """The rows of a CSV file, as they stand in it.

    Attributes:
        text: The file, as it is sent.
        rows: Its rows, the first of which has the names of the columns.
        marked: Whether it began with a byte order mark.
        line_end: How its lines end.
        checksum: The checksum of the file.
    """

    text: str
    rows: list[list[str]] = field(repr=False)
    marked: bool
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
        # The first one tells: within a cell, there may be others.
        line_end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
        marked = content.startswith(codecs.BOM_UTF8)
        return cls(text, rows, marked, line_end, checksum(content))

    @property
    def new(self) -> list[list[str]]:
        """The rows that name no job."""
        return [row for row in self._data() if not self.cell(row, JOB_ID)]

    @property
    def existing(self) -> list[list[str]]:
        """The rows that name one."""
        return [row for row in self._data() if self.cell(row, JOB_ID)]

    def cell(self, row: list[str], column: str) -> str:
        """Return a cell without the space around it."""
        place = self.rows[0].index(column)
        return row[place].strip() if place < len(row) else ""

    def fill(self, row: list[str], cells: JobCells) -> None:
        """Put into a row what has become of it."""
        row += [""] * (len(self.rows[0]) - len(row))
        values = (cells.job_id, cells.status, cells.record_id, cells.error)
        for column, value in zip(_COLUMNS, values, strict=True):
            row[self.rows[0].index(column)] = value

    def content(self) -> bytes:
        """Lay the file out again, as it was but for the cells that were filled in."""
        text = io.StringIO()
        csv.writer(text, lineterminator=self.line_end).writerows(self.rows)
        mark = codecs.BOM_UTF8 if self.marked else b""
        return mark + text.getvalue().encode()

    def _data(self) -> Iterable[list[str]]:
        # The server does not count lines with nothing in them.
        return (row for row in self.rows[1:] if row)


def checksum(content: bytes) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def expect_unchanged(path: str | os.PathLike[str], found: str) -> None:
    """Refuse to go on with a file that is not any more what was read.

    Args:
        path: The file.
        found: Its checksum when it was read.

    Raises:
        FileError: If it has been changed.
    """
    try:
        fault = "it has been changed since it was read"
        if checksum(Path(path).read_bytes()) == found:
            return
        number = None
    except OSError as error:
        fault, number = error.strerror or str(error), error.errno
    raise errors.FileError(
        f"the CSV file {str(path)!r} is kept as it is: {fault}. Call register_csv again to go on",
        number=number,
        filename=str(path),
    )


def save(path: Path, content: bytes) -> None:
    """Put a file in the place of another one: nobody ever sees half of it.

    Raises:
        FileError: If that cannot be done.
    """
    try:
        replace_file(path, content)
    except OSError as error:
        raise errors.FileError(
            f"the CSV file could not be saved at {str(path)!r}: {error.strerror or error}",
            number=error.errno,
            filename=str(path),
        ) from error
