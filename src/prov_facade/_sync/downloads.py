# Made of src/prov_facade/_async by `nox -s codegen`: change that, not this file.
"""Files that come down piece by piece, however large they are."""

from __future__ import annotations

import os
import secrets
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar

import httpx

from prov_api_client import Operation
from prov_facade._files.uploads import TextCheck, place, replaceable, target
from prov_facade._http.responses import charset_of_file, holds_file
from prov_facade._runtime.threads.concurrency import run_in_thread
from prov_facade.errors import Call, FileError, InvalidRequestError

R = TypeVar("R")

# Large enough for the change to a thread not to count, small enough for memory not to notice.
_PIECE = 1024 * 1024


class Download:
    """The file that an answer is written to, as a context.

    What comes is written to a file of another name in the same directory, which takes its place
    when it is whole: nobody ever sees half a file. On leaving the context, that file goes unless it
    was kept.

    Looking at the path, opening and renaming are done where they are called: they take no longer
    than a request takes to build, and a cancelled call could not undo them in another thread. Data
    is written in threads, through asyncio's own: the client runs on asyncio alone.

    Args:
        path: Where the file goes.
        call: What an error says about the call.
        name: What the file is called in a directory.
        overwrite: Whether a file that is there is replaced.

    Raises:
        InvalidRequestError: If nothing can or may be written there.
    """

    def __init__(
        self,
        path: object,
        call: Call,
        *,
        name: str,
        overwrite: bool,
    ) -> None:
        self._call = call
        self._overwrite = overwrite
        self._lock = threading.Lock()
        self._over = False
        try:
            self._path = target(path, name, call)
            mode = replaceable(self._path, call, overwrite=overwrite)
            self._draft = self._path.parent / f".prov-facade-{secrets.token_hex(8)}.part"
            # Not buffered: it is written in large pieces.
            self._file = self._draft.open("x+b", buffering=0)
        except InvalidRequestError:
            raise
        except (OSError, ValueError) as error:  # the latter for a NUL
            reason = error.strerror if isinstance(error, OSError) else error
            raise InvalidRequestError(
                f"{call} was not sent: no file can be written at {str(path)!r}: {reason}",
                path="$.path",
                call=call,
            ) from error
        try:
            # What the umask leaves, as for any new file; until it is whole, it is its owner's.
            self._mode = (
                stat.S_IMODE(os.fstat(self._file.fileno()).st_mode) if mode is None else mode
            )
            self._draft.chmod(0o600)
        except OSError as error:
            self._remove()
            raise self._failure(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over = True
        if self._lock.acquire(blocking=False):
            try:
                self._remove()
            finally:
                self._lock.release()
        else:
            # The call was cancelled while a thread is at work on the file, which closes it then:
            # closed now, its number might be another file's when the thread writes.
            with suppress(OSError):
                self._draft.unlink(missing_ok=True)

    def takes(self, operation: Operation[Any], response: httpx.Response) -> bool:
        """Say, from the head of an operation's answer, whether its body belongs into the file."""
        return holds_file(operation, response)

    def receive(self, operation: Operation[Any], response: httpx.Response) -> None:
        """Write the body of an answer to the file, from its start.

        Args:
            operation: The operation whose answer it is.
            response: The answer, whose body has not been received.

        Raises:
            FileError: If it cannot be written.
            InvalidResponseError: If the body is text, and not in the charset that it should be in.
        """
        text = None
        charset = charset_of_file(operation, response)
        if charset is not None:
            text = TextCheck(charset, self._call, response)
        self._in_thread(self._clear)
        for piece in response.iter_bytes(_PIECE):
            self._in_thread(self._write, piece, text)
        if text is not None:
            text.end()

    def check(self, work: Callable[[BinaryIO], R]) -> R:
        """Let a function read the file, in a thread.

        Args:
            work: What reads it; it is given the open file.

        Returns:
            What the function returns.

        Raises:
            FileError: If it cannot be read.
        """
        return self._in_thread(work, self._file)

    def keep(self) -> Path:
        """Put the file in its place.

        Returns:
            Where it is.

        Raises:
            FileError: If that fails, or another file has come to be there, which may not be
                replaced.
        """
        self._in_thread(self._finish)
        # Not in a thread: a cancelled call has either left the file or nothing.
        try:
            if self._overwrite:
                self._draft.replace(self._path)
            else:
                place(self._draft, self._path)
        except OSError as error:
            raise self._failure(error) from error
        return self._path

    def _in_thread(self, work: Callable[..., R], *arguments: Any) -> R:
        done: R = run_in_thread(self._alone, work, *arguments)
        return done

    def _alone(self, work: Callable[..., R], *arguments: Any) -> R:
        try:
            with self._lock:
                return work(*arguments)
        except OSError as error:
            if isinstance(error, FileError):
                raise
            raise self._failure(error) from error
        finally:
            if self._over:
                with self._lock:
                    self._remove()

    def _clear(self) -> None:
        self._file.seek(0)
        self._file.truncate()

    def _write(self, piece: bytes, text: TextCheck | None) -> None:
        if text is not None:
            text.feed(piece)
        left = memoryview(piece)
        while left:
            left = left[self._file.write(left) :]

    def _finish(self) -> None:
        if os.name == "posix":
            os.fchmod(self._file.fileno(), self._mode)
        # Otherwise a machine that loses power might keep the name and lose the content.
        os.fsync(self._file.fileno())
        self._file.close()

    def _remove(self) -> None:
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._draft.unlink(missing_ok=True)

    def _failure(self, error: OSError) -> FileError:
        return FileError(
            f"{self._call}: the answer could not be saved at {str(self._path)!r}:"
            f" {error.strerror or error}",
            number=error.errno,
            filename=str(self._path),
            call=self._call,
        )
