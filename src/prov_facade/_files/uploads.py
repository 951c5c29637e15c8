"""Files on this machine: their names, the text in them, and how they go up as they are read."""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

import httpx

from prov_api_client.types import File
from prov_facade._http.responses import unusable_text
from prov_facade.errors import Call, FileError, InvalidRequestError

_LONGEST_ID = 80
# What stands in a name as it is. Two ids of these characters never share a name.
_PLAIN_ID = re.compile(r"[A-Za-z0-9.-]+(/[A-Za-z0-9.-]+)*")


class TextCheck:
    """Checks that a body which comes in pieces is text."""

    def __init__(self, charset: str, call: Call, response: httpx.Response) -> None:
        self._charset = charset
        self._call = call
        self._response = response
        self._before = 0
        try:
            # Decoders of bytes into bytes are none that `bytes.decode` would use.
            with suppress(UnicodeError):
                bytes(4).decode(charset)
            self._decoder = codecs.getincrementaldecoder(charset)()
        except (LookupError, ValueError) as error:
            raise unusable_text(call, response, charset, str(error)) from error

    def feed(self, piece: bytes, *, final: bool = False) -> None:
        """Check the next piece."""
        held = len(self._decoder.getstate()[0])
        try:
            self._decoder.decode(piece, final)
        except UnicodeDecodeError as error:
            position = self._before - held + error.start
            reason = f"{error.reason} at position {position}"
            raise unusable_text(self._call, self._response, self._charset, reason) from None
        except UnicodeError as error:
            raise unusable_text(self._call, self._response, self._charset, str(error)) from None
        self._before += len(piece)

    def end(self) -> None:
        """Check that the text does not end within a character."""
        self.feed(b"", final=True)


def file_name(kind: str, item: str, suffix: str) -> str:
    """Make a file name that any system takes.

    Args:
        kind: What the file is.
        item: The id of what it is about. Where it does not fit into a name as it is, but for its
            slashes, a checksum tells it from others that look like it.
        suffix: The end of the name.
    """
    name = re.sub(r"[^A-Za-z0-9.-]", "_", item)[:_LONGEST_ID]
    if len(item) > _LONGEST_ID or not _PLAIN_ID.fullmatch(item):
        digest = hashlib.sha256(item.encode(errors="surrogatepass")).hexdigest()
        name = f"{name}-{digest[:8]}"
    return f"{kind}-{name}{suffix}"


def target(path: object, name: str, call: Call) -> Path:
    """Say where a file goes."""
    given = _checked(path, call)
    wanted = Path(given)
    if wanted.is_dir():
        return wanted / name
    if given.endswith(("/", os.sep)) or not wanted.parent.is_dir():
        raise InvalidRequestError(
            f"{call} was not sent: {given!r} is in no directory that exists",
            path="$.path",
            call=call,
        )
    return wanted


def _checked(path: object, call: Call) -> str:
    given = os.fspath(path) if isinstance(path, os.PathLike) else path
    if isinstance(given, str) and given and "\0" not in given:
        return given
    what = repr(given) if isinstance(given, str) else type(path).__name__
    raise InvalidRequestError(
        f"{call} was not sent: path must be a str or an os.PathLike of one, not {what}",
        path="$.path",
        call=call,
    )


def replaceable(target: Path, call: Call, *, overwrite: bool) -> int | None:
    """Refuse a target that may not be replaced, and return the permissions of one that may."""
    if not os.path.lexists(target):
        return None
    fault = ""
    if not overwrite:
        fault = "exists already, and is kept: give overwrite=True to replace it"
    elif target.exists() and not target.is_file():
        fault = "is no file that could be replaced"
    if fault:
        raise InvalidRequestError(
            f"{call} was not sent: {str(target)!r} {fault}", path="$.path", call=call
        )
    return stat.S_IMODE(target.stat().st_mode) if target.exists() else None


def place(draft: Path, target: Path) -> None:
    """Give a file its name, unless there is a file of that name."""
    if os.name == "nt":
        draft.rename(target)  # which replaces nothing there
        return
    try:
        target.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links, as FAT and some of networks are. The name is taken with
        # an empty file of our own first, since a rename would replace whatever is there.
        target.touch(0o600, exist_ok=False)
        try:
            draft.replace(target)
        except OSError:
            target.unlink()
            raise


class Upload(io.FileIO):
    """A CSV file that is sent as it is read, without its byte order mark.

    httpx reads it in small pieces as it sends them, and goes back to the start for each attempt.

    Args:
        path: The file.
        call: What an error says about the call.

    Raises:
        InvalidRequestError: If it is no file that can be read.
    """

    def __init__(self, path: object, call: Call) -> None:
        source = _checked(path, call)
        try:
            _refuse_other_than_file(source, call)
            super().__init__(source)
        except InvalidRequestError:
            raise
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise InvalidRequestError(
                f"{call} was not sent: {source!r} cannot be read: {reason}",
                path="$.path",
                call=call,
            ) from error
        self._source = source
        self._call = call
        self._mark = 0
        try:
            self._found = self._state()
            if self._read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
                self._mark = len(codecs.BOM_UTF8)
        except OSError:
            self.close()
            raise

    def file(self) -> File:
        """Return the file as a part of a form; its own name is nobody's business."""
        return File(self, file_name="model_runs.csv", mime_type="text/csv")

    def fileno(self) -> int:
        """Refuse: the length that the system knows would count the mark."""
        raise io.UnsupportedOperation("fileno")

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position, counted from behind the mark."""
        if whence == os.SEEK_SET:
            offset += self._mark
        return super().seek(offset, whence) - self._mark

    def tell(self) -> int:
        """Return the position, counted from behind the mark."""
        return super().tell() - self._mark

    def read(self, size: int | None = -1) -> bytes:
        """Read the next bytes.

        Raises:
            FileError: If they cannot be read, or the file has changed since it was opened.
        """
        return self._read(size)

    def _read(self, size: int | None) -> bytes:
        left = self._found[0] - super().tell()
        try:
            wanted = left if size is None or size < 0 else min(size, left)
            piece = super().read(wanted) or b""
            if len(piece) < left and piece:
                return piece
            changed = self._state() != self._found
        except OSError as error:
            raise self._failure(error.strerror or str(error), error.errno) from error
        if changed:
            raise self._failure("it changed while it was sent", None)
        return piece

    def _state(self) -> tuple[int, int]:
        found = os.fstat(super().fileno())
        return found.st_size, found.st_mtime_ns

    def _failure(self, reason: str, number: int | None) -> FileError:
        return FileError(
            f"{self._call}: {self._source!r} could not be sent: {reason}",
            number=number,
            filename=self._source,
            call=self._call,
        )


def _refuse_other_than_file(source: str, call: Call) -> None:
    # Before it is opened: to open a pipe would wait for its other end.
    if not stat.S_ISREG(Path(source).stat().st_mode):
        raise InvalidRequestError(
            f"{call} was not sent: {source!r} is not a file", path="$.path", call=call
        )
