"""Uploads of CSV files."""

from __future__ import annotations

import codecs
import io
import os
import stat
from pathlib import Path

from prov_api_client.models import BodyConvertModelRunsCsv
from prov_api_client.types import File
from prov_facade._files.targets import check_path
from prov_facade.errors import FileError, InvalidRequestError

_BYTE_ORDER_MARK = "\ufeff"


def csv_upload(contents: object) -> BodyConvertModelRunsCsv:
    """Create an upload from the text of a CSV file.

    Args:
        contents: The text. A leading byte order mark, which spreadsheets write, is removed: the
            server would treat it as part of the first header.

    Returns:
        The upload: UTF-8, with a file name, which the server requires.

    Raises:
        InvalidRequestError: If it is not text, or cannot be encoded as UTF-8.
    """
    if not isinstance(contents, str):
        raise InvalidRequestError(
            f"nothing was sent: the contents of the CSV file must be a str, not"
            f" {type(contents).__name__}",
        )
    try:
        encoded = contents.removeprefix(_BYTE_ORDER_MARK).encode()
    except UnicodeEncodeError as error:
        raise InvalidRequestError(
            f"nothing was sent: the CSV text cannot be encoded as UTF-8: {error.reason} at"
            f" position {error.start}",
        ) from error
    return BodyConvertModelRunsCsv(
        csv_file=File(io.BytesIO(encoded), file_name="model_runs.csv", mime_type="text/csv")
    )


class Upload(io.FileIO):
    """A CSV file that is sent while it is read, without its byte order mark.

    httpx reads and sends it in small pieces, and rewinds it for each attempt.

    Args:
        path: The file.

    Raises:
        InvalidRequestError: If it is not a file that can be read.
    """

    def __init__(self, path: object) -> None:
        source = check_path(path)
        try:
            _check_is_file(source)
            super().__init__(source)
        except InvalidRequestError:
            raise
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise InvalidRequestError(
                f"nothing was sent: {source!r} cannot be read: {reason}",
                path="$.path",
            ) from error
        self._source = source
        self._mark_length = 0
        try:
            self._initial_state = self._state()
            if self.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
                self._mark_length = len(codecs.BOM_UTF8)
        except OSError:
            self.close()
            raise

    def file(self) -> File:
        """Return the file as a part of a form, under a fixed name."""
        return File(self, file_name="model_runs.csv", mime_type="text/csv")

    def fileno(self) -> int:
        """Raise an error: the size that the system reports includes the mark."""
        raise io.UnsupportedOperation("fileno")

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Seek to a position, counted from the end of the mark."""
        if whence == os.SEEK_SET:
            offset += self._mark_length
        return super().seek(offset, whence) - self._mark_length

    def tell(self) -> int:
        """Return the position, counted from the end of the mark."""
        return super().tell() - self._mark_length

    def read(self, size: int | None = -1) -> bytes:
        """Read the next bytes.

        Raises:
            FileError: If they cannot be read, or the file has changed since it was opened.
        """
        remaining = self._initial_state[0] - super().tell()
        try:
            wanted = remaining if size is None or size < 0 else min(size, remaining)
            piece = super().read(wanted) or b""
            if len(piece) < remaining and piece:
                return piece
            changed = self._state() != self._initial_state
        except OSError as error:
            raise self._failure(error.strerror or str(error), error.errno) from error
        if changed:
            raise self._failure("it changed while it was being sent", None)
        return piece

    def _state(self) -> tuple[int, int]:
        found = os.fstat(super().fileno())
        return found.st_size, found.st_mtime_ns

    def _failure(self, reason: str, number: int | None) -> FileError:
        return FileError(
            f"{self._source!r} could not be sent: {reason}",
            number=number,
            filename=self._source,
        )


def _check_is_file(source: str) -> None:
    # Checked before opening it: opening a pipe would wait for its other end.
    if not stat.S_ISREG(Path(source).stat().st_mode):
        raise InvalidRequestError(
            f"nothing was sent: {source!r} is not a regular file", path="$.path"
        )
