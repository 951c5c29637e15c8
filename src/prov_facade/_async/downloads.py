"""Saves responses of any size to files as they are received."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar, cast

import httpx

from prov_api_client import Operation
from prov_facade._checks import check_bool
from prov_facade._files.atomic import Draft
from prov_facade._files.targets import check_overwrite, resolve_target
from prov_facade._files.text import TextValidator
from prov_facade._http.responses import has_file_body, text_charset
from prov_facade._runtime.aio.concurrency import run_in_thread
from prov_facade.errors import FileError, InvalidRequestError

R = TypeVar("R")

# Large enough that switching threads costs little, small enough to use little memory.
_CHUNK_SIZE = 1024 * 1024


class Download:
    """The file that a response is saved to, as a context.

    It is written as a draft in the same directory, which replaces the file once complete. A draft
    that was not kept is removed on leaving the context.

    Checking the path, opening and renaming are done in the thread of the caller: they take no
    longer than building a request, and a cancelled call could not undo them in another thread.
    Data is written in threads.

    Args:
        path: The file, or an existing directory.
        name: The name of the file, if the path is a directory.
        overwrite: Whether to replace an existing file.

    Raises:
        InvalidRequestError: If the path cannot or must not be written.
    """

    def __init__(self, path: object, *, name: str, overwrite: bool) -> None:
        error = partial(InvalidRequestError, path="$.overwrite")
        check_bool("overwrite", overwrite, error=error)
        self._overwrite = overwrite
        self._lock = threading.Lock()
        self._exited = False
        try:
            self._path = resolve_target(path, name)
            mode = check_overwrite(self._path, overwrite=overwrite)
            self._draft = Draft(self._path, mode=mode)
        except InvalidRequestError:
            raise
        except (OSError, ValueError) as error:  # ValueError for a NUL in the path
            reason = error.strerror if isinstance(error, OSError) else error
            raise InvalidRequestError(
                f"nothing was sent: no file can be written at {str(path)!r}: {reason}",
                path="$.path",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exited = True
        if self._lock.acquire(blocking=False):
            try:
                self._draft.discard()
            finally:
                self._lock.release()
        else:
            # The call was cancelled while a thread is using the file. That thread closes it: if it
            # were closed here, the thread might write to another file with the same descriptor.
            self._draft.unlink()

    def accepts(self, operation: Operation[Any], response: httpx.Response) -> bool:
        """Return whether to save the body of a response, judging by its status and headers."""
        return has_file_body(operation, response)

    async def receive(self, operation: Operation[Any], response: httpx.Response) -> None:
        """Write the body of a response to the file, from its start.

        Args:
            operation: The operation.
            response: The response, whose body has not been received.

        Raises:
            FileError: If it cannot be written.
            InvalidResponseError: If the body is text that cannot be decoded.
        """
        charset = text_charset(operation, response)
        text = None if charset is None else TextValidator(charset, response)
        await self._in_thread(self._clear)
        async for chunk in response.aiter_bytes(_CHUNK_SIZE):
            await self._in_thread(self._write, chunk, text)
        if text is not None:
            text.end()

    async def check(self, work: Callable[[BinaryIO], R]) -> R:
        """Run a function that reads the file, in a thread.

        Args:
            work: Reads the open file.

        Returns:
            What the function returns.

        Raises:
            FileError: If it cannot be read.
        """
        return await self._in_thread(work, cast("BinaryIO", self._draft.file))

    async def keep(self) -> Path:
        """Rename the draft to its final path.

        Returns:
            The path.

        Raises:
            FileError: If that fails, or if a file that must not be replaced has appeared there.
        """
        await self._in_thread(self._draft.finish)
        # Not in a thread, so that a cancelled call leaves either the file or nothing.
        try:
            self._draft.keep(overwrite=self._overwrite)
        except OSError as error:
            raise self._file_error(error) from error
        return self._path

    async def _in_thread(self, work: Callable[..., R], *arguments: Any) -> R:
        result: R = await run_in_thread(self._locked, work, *arguments)
        return result

    def _locked(self, work: Callable[..., R], *arguments: Any) -> R:
        try:
            with self._lock:
                return work(*arguments)
        except OSError as error:
            if isinstance(error, FileError):
                raise
            raise self._file_error(error) from error
        finally:
            if self._exited:
                with self._lock:
                    self._draft.discard()

    def _clear(self) -> None:
        self._draft.file.seek(0)
        self._draft.file.truncate()

    def _write(self, chunk: bytes, text: TextValidator | None) -> None:
        if text is not None:
            text.feed(chunk)
        self._draft.write(chunk)

    def _file_error(self, error: OSError) -> FileError:
        return FileError(
            f"the response could not be saved at {str(self._path)!r}: {error.strerror or error}",
            number=error.errno,
            filename=str(self._path),
        )
