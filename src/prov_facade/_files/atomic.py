"""Files that are replaced atomically: no reader ever sees a partial file."""

from __future__ import annotations

import os
import secrets
import stat
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

# How many seconds to wait on Windows for a reader that prevents a file from being replaced.
_REPLACE_TIMEOUT = 2.0


class Draft:
    """A temporary file next to the file it replaces, removed at the end unless it is kept.

    A context manager. Until the draft is finished, only its owner can read it.

    Args:
        path: The file to replace, or to create.
        mode: Its permissions; ``None`` for those of any new file.

    Attributes:
        file: The open draft. It is not buffered: write in large pieces.

    Raises:
        OSError: If no file can be created there.
        ValueError: If the path contains a NUL.
    """

    def __init__(self, path: Path, *, mode: int | None = None) -> None:
        self._path = path
        self._draft = path.parent / f".prov-facade-{secrets.token_hex(8)}.part"
        self.file = self._draft.open("x+b", buffering=0)
        try:
            created_with = stat.S_IMODE(os.fstat(self.file.fileno()).st_mode)
            self._mode = created_with if mode is None else mode
            self._draft.chmod(0o600)
        except OSError:
            self.discard()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.discard()

    def write(self, content: bytes | memoryview) -> None:
        """Write all of the bytes."""
        unwritten = memoryview(content)
        while unwritten:
            unwritten = unwritten[self.file.write(unwritten) :]

    def finish(self) -> None:
        """Flush the draft to the disk and close it."""
        if os.name == "posix":
            os.fchmod(self.file.fileno(), self._mode)
        # Otherwise the name may survive a power failure, but not the content.
        os.fsync(self.file.fileno())
        self.file.close()

    def keep(self, *, overwrite: bool = True) -> None:
        """Move the finished draft to its path.

        Args:
            overwrite: Whether to replace an existing file.

        Raises:
            FileExistsError: If the file exists, and ``overwrite`` is false.
            OSError: If it fails.
        """
        if overwrite:
            _replace(self._draft, self._path)
        else:
            _move_without_replacing(self._draft, self._path)

    def discard(self) -> None:
        """Remove the draft, if it has not been kept."""
        with suppress(OSError):
            self.file.close()
        self.unlink()

    def unlink(self) -> None:
        """Remove the name of the draft, and leave the file open."""
        with suppress(OSError):
            self._draft.unlink(missing_ok=True)


def replace_file(
    path: Path, content: bytes, *, mode: int | None = None, overwrite: bool = True
) -> None:
    """Replace or create a file atomically.

    Args:
        path: The file.
        content: Its content.
        mode: Its permissions; ``None`` for those that it has, or those of any new file.
        overwrite: Whether to replace an existing file.

    Raises:
        FileExistsError: If the file exists, and ``overwrite`` is false.
        OSError: If it fails. The file is then unchanged.
    """
    if mode is None and path.exists():
        mode = stat.S_IMODE(path.stat().st_mode)
    with Draft(path, mode=mode) as draft:
        draft.write(content)
        draft.finish()
        draft.keep(overwrite=overwrite)


def _replace(draft: Path, path: Path) -> None:
    ends = time.monotonic() + _REPLACE_TIMEOUT
    while True:
        try:
            draft.replace(path)
        except PermissionError:
            # On Windows, also raised while another process reads the old file.
            if os.name != "nt" or time.monotonic() > ends:
                raise
            time.sleep(0.02)
        else:
            return


def _move_without_replacing(draft: Path, path: Path) -> None:
    if os.name == "nt":
        draft.rename(path)  # on Windows, this never replaces a file
        return
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links, such as FAT. An empty file reserves the name first,
        # since a rename would replace an existing file.
        path.touch(0o600, exist_ok=False)
        try:
            draft.replace(path)
        except OSError:
            path.unlink()
            raise
