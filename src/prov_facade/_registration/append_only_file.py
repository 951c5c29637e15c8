"""A file of lines that only grows, and that a crash does not harm."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from prov_facade.errors import ConfigError, FileError


class AppendOnlyFile:
    """A file of lines that only grows; it is open, and locked, until it is closed.

    A file that is not there is created, readable by its owner alone. While it is open, nothing else
    that uses this class can open it, in this process or another one on this machine: the lock is on
    a file beside it, with ``.lock`` behind its name. The system drops the lock of a process that
    ends, however it ends. The file beside it may stay, since to remove it would take the lock from
    under a process that waits for it; it is empty, and may be deleted while nobody is at work.

    It is not for several threads at once, and not to be used on in a forked process.

    Args:
        path: The file.

    Attributes:
        path: The file, without symbolic links.

    Raises:
        ConfigError: If it is in use, or is no file.
        FileError: If the system refuses it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            # Two names of one file share a lock.
            self.path = Path(os.path.realpath(path))
        except ValueError as error:  # of a NUL
            raise ConfigError(f"{os.fspath(path)!r} is no name of a file: {error}") from error
        self._underway = False
        try:
            self._file = self._open()
        except OSError as error:
            raise self._failure("opened", error) from error
        self._lock = FileLock(f"{self.path}.lock", mode=0o600, thread_local=False)
        try:
            self._lock.acquire(blocking=False)
            self._end = self._file.seek(0, os.SEEK_END)
            sync_directory(self.path.parent)
        except BaseException as error:
            self.close()
            if isinstance(error, Timeout):
                raise ConfigError(
                    f"{str(self.path)!r} is in use, by another process or by this one: what uses it"
                    " has to end first"
                ) from None
            if isinstance(error, OSError):
                what = f"opened and locked, by means of {self._lock.lock_file!r}"
                raise self._failure(what, error) from error
            raise

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Read what is there, line by line.

        Yields:
            Where each line starts, and the line. The last one has no line end if a crash came
            between.

        Raises:
            FileError: If it cannot be read.
        """
        offset = 0
        try:
            self._file.seek(0)
            with open(self._file.fileno(), "rb", closefd=False) as reader:
                for line in reader:
                    yield offset, line
                    offset += len(line)
        except OSError as error:
            raise self._failure("read", error) from error

    def read(self, offset: int, length: int) -> bytes:
        """Read a part.

        Args:
            offset: Where it starts.
            length: How long it is.

        Returns:
            The part; less if something else has cut the file.

        Raises:
            FileError: If it cannot be read.
        """
        parts = []
        try:
            self._file.seek(offset)
            while length and (part := self._file.read(length)):
                parts.append(part)
                length -= len(part)
        except OSError as error:
            raise self._failure("read", error) from error
        return b"".join(parts)

    def cut(self, length: int) -> None:
        """Drop the end of it, which a crash has left.

        Args:
            length: How much stays.

        Raises:
            FileError: If that fails.
        """
        try:
            self._file.truncate(length)
        except OSError as error:
            raise self._failure("written", error) from error
        self._end = length

    def append(self, line: bytes) -> int:
        """Add a line, and wait until it is on the disk.

        If this fails, the line is not there, or the journal takes no more lines until it is opened
        again.

        Args:
            line: The line, with its end.

        Returns:
            Where it starts.

        Raises:
            FileError: If it cannot be written, or something else has changed the file.
        """
        offset = self._end
        try:
            self._refuse_changed()
            self._file.seek(offset)
            self._underway = True
            try:
                left = memoryview(line)
                while left:
                    left = left[self._file.write(left) :]
            except OSError:
                self._file.truncate(offset)
                self._underway = False
                raise
            # If this fails, what the disk holds is not known, and a second try might say that all
            # is well when it is not.
            os.fsync(self._file.fileno())
            self._underway = False
        except OSError as error:
            raise self._failure("written", error) from error
        self._end += len(line)
        return offset

    def close(self) -> None:
        """Close the file and give it free. A second time does nothing."""
        try:
            self._file.close()
        finally:
            self._lock.release()

    def _open(self) -> io.FileIO:
        # To open a pipe or a device might wait for its other end.
        if self.path.exists() and not (self.path.is_file() or self.path.is_dir()):
            raise ConfigError(f"{str(self.path)!r} is not a file")
        # Not buffered: a line is written at once.
        return io.FileIO(self.path, "r+", opener=_created)

    def _refuse_changed(self) -> None:
        fault = None
        if self._underway:
            fault = "a write before was broken off"
        else:
            found = os.fstat(self._file.fileno())
            if found.st_nlink == 0:
                fault = "it has been deleted or replaced"
            elif found.st_size != self._end:
                fault = "something else has changed it"
        if fault:
            raise OSError(errno.EIO, fault)

    def _failure(self, what: str, error: OSError) -> FileError:
        return FileError(
            f"{str(self.path)!r} cannot be {what}: {error.strerror or error}",
            number=error.errno,
            filename=str(self.path),
        )


def _created(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o600)


def sync_directory(path: Path) -> None:
    """Wait until the names in a directory are on the disk, where the system can say that.

    Args:
        path: The directory.

    Raises:
        OSError: If that fails.
    """
    if os.name == "nt":  # which opens no directories
        return
    number = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that has nothing to wait for
            raise
    finally:
        os.close(number)
