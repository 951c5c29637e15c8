# ruff: noqa: S608 - the statements contain only constants of this module
"""The state of a registration in a SQLite database, which outlives the process."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from attrs import evolve, field, frozen

from prov_facade._runtime.fork import hold_during_fork, reset_in_child
from prov_facade.errors import ConfigError, FileError

if TYPE_CHECKING:
    import sqlite3

    from filelock import FileLock

    _Execute = Callable[..., sqlite3.Cursor]

_APPLICATION_ID = 0x50_52_4F_56  # "PROV"
_FORMAT = 1

# The constraints check each write, and the whole file when it is opened. The tables are not STRICT,
# since that needs SQLite 3.37, and Red Hat Enterprise Linux 9 has 3.34.
_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_FORMAT};
CREATE TABLE deployment (prov_api TEXT NOT NULL);
CREATE TABLE chunks (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    first INTEGER NOT NULL CHECK (typeof(first) = 'integer' AND first >= 0),
    count INTEGER NOT NULL CHECK (typeof(count) = 'integer' AND count > 0),
    digest TEXT NOT NULL CHECK (length(digest) = 64 AND digest NOT GLOB '*[^0-9a-f]*'),
    planned_at REAL NOT NULL CHECK (typeof(planned_at) = 'real'),
    state TEXT NOT NULL DEFAULT 'submitting'
        CHECK (state IN ('submitting', 'submitted', 'not submitted', 'done')),
    not_submitted_because TEXT,
    session_id TEXT UNIQUE CHECK (session_id <> ''),
    batch_id TEXT CHECK (batch_id <> ''),
    CHECK (state <> 'submitted' OR session_id IS NOT NULL)
);
CREATE TABLE refusals (
    record INTEGER PRIMARY KEY,
    reason TEXT NOT NULL,
    excluded INTEGER NOT NULL DEFAULT FALSE
);
CREATE TABLE outcomes (
    record INTEGER PRIMARY KEY,
    session_id TEXT,
    handle TEXT,
    error TEXT,
    error_kind TEXT
);
"""

_IN_CHUNK = "record >= ? AND record < ?"
_COLUMNS = "number, first, count, digest, planned_at, state, session_id, batch_id"

# SQLite must not be in use while the process forks: the child would inherit a transaction, and roll
# it back in the file of its parent.
_in_use = threading.RLock()
hold_during_fork(_in_use)


class ChunkState(StrEnum):
    """The known state of a chunk.

    Attributes:
        SUBMITTING: It was about to be submitted. Until the submission returns, it is unknown
            whether the server has the chunk.
        SUBMITTED: The server has it.
        NOT_SUBMITTED: The server has not acted on it: it may be submitted again.
        DONE: The outcome of each of its records is known.
    """

    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    NOT_SUBMITTED = "not submitted"
    DONE = "done"


@frozen
class Chunk:
    """Consecutive input records that are submitted together.

    Attributes:
        number: Its number, from 0.
        first: The index of its first record in the input.
        count: The number of its input records.
        digest: The SHA-256 digest of the last submission, in hexadecimal.
        planned_at: The time of the last submission, in Unix time.
        state: Its known state.
        session_id: The job that submits its records, once it is submitted.
        batch_id: The batch that its records are registered under, once that is known.
        refused: The reasons for permanent refusals of records, by their index in the input.
        excluded: The indexes of those refused before the last submission: the digest does not cover
            them.
    """

    number: int
    first: int
    count: int
    digest: str
    planned_at: float
    state: ChunkState = field(default=ChunkState.SUBMITTING, converter=ChunkState)
    session_id: str | None = None
    batch_id: str | None = None
    refused: Mapping[int, str] = field(factory=dict)
    excluded: AbstractSet[int] = frozenset()

    @property
    def all_refused(self) -> bool:
        """Whether no record is left to submit."""
        return len(self.refused) == self.count


class Outcome(NamedTuple):
    """The final outcome of a record.

    Attributes:
        session_id: The job that registered it.
        handle: The id that it is registered under.
        error: Why it is not registered.
        error_kind: The kind of that error.
    """

    session_id: str | None
    handle: str | None
    error: str | None
    error_kind: str | None


class Manifest:
    """The state of each chunk of a registration, as a context manager.

    A method that records something returns the updated chunk once it is on the disk. A crash at
    any moment leaves the state before or after the change. Nothing is cached in memory.

    A lock file next to it, with the suffix ``.lock``, locks it until the context is left; an empty
    lock file may remain. SQLite's own locks are not sufficient: the system drops them when anything
    in this process closes the file, for example after copying it. A process that is killed leaves
    no lock.

    All methods block, and are not thread-safe. A forked process cannot use it.

    Args:
        path: The file. It is created, readable only by its owner, if it does not exist; ``None``
            for a temporary one.
        prov_api: The URL of the prov-api that the records go to.

    Attributes:
        path: The file, without symbolic links; ``None`` for a temporary one.

    Raises:
        ConfigError: If the file is in use, is not a manifest, is damaged, has a newer format, or
            belongs to another prov-api.
        FileError: If the file cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str] | None, prov_api: str) -> None:
        self.path: str | None = None
        self._name = "the temporary manifest"
        self._inherited = False
        database = ""  # SQLite removes it automatically
        with ExitStack() as stack:
            if path is not None:
                real_path = _real_path(path)
                self.path = str(real_path)
                self._name = repr(self.path)
                stack.callback(_lock(real_path).release)
                database = f"{real_path.as_uri()}?mode=rw"
            with _translated_errors(self._name, self.path):
                self._connection = _connect(database)
                stack.callback(self._connection.close)
            with self._transaction() as execute:
                self._initialise(execute, prov_api)
            self._stack = stack.pop_all()
        reset_in_child(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, and release its lock. Calling it again has no effect."""
        if not self._inherited:  # the lock belongs to the parent
            self._stack.close()

    def reset_after_fork(self) -> None:
        """Reject further calls: the connection and the lock belong to the parent process."""
        self._inherited = True

    def chunk(self, number: int) -> Chunk | None:
        """Read a chunk; ``None`` if it has not been planned.

        Raises:
            ConfigError: If the file is damaged, as with every method here.
            FileError: If it cannot be read or written, as with every method here.
        """
        with self._transaction():
            return next(iter(self._select("number = ?", number)), None)

    def chunks(self, state: ChunkState) -> list[Chunk]:
        """Read the chunks in a state, in order."""
        with self._transaction():
            return self._select("state = ?", state)

    def session_ids(self) -> AbstractSet[str]:
        """Read the jobs that belong to a chunk."""
        with self._transaction() as execute:
            rows = execute("SELECT session_id FROM chunks WHERE session_id IS NOT NULL")
            return frozenset(session_id for (session_id,) in rows)

    def plan(self, count: int, digest: str, at: float) -> Chunk:
        """Record that the next chunk is about to be submitted.

        Args:
            count: The number of its input records, which follow those of the previous chunk.
            digest: The SHA-256 digest of the submission, in hexadecimal.
            at: The time, in Unix time.

        Raises:
            ValueError: If a value is invalid, or the state of the chunk does not allow the call.
                Nothing is written then, as with every method here.
        """
        with self._transaction() as execute:
            (number,) = execute("SELECT count(*) FROM chunks").fetchone()
            execute(
                "INSERT INTO chunks (number, first, count, digest, planned_at)"
                " SELECT ?, coalesce(max(first + count), 0), ?, ?, ? FROM chunks",
                (number, count, digest, at),
            )
            return self._chunk_in(number, ChunkState.SUBMITTING)

    def plan_again(self, number: int, digest: str, at: float) -> Chunk:
        """Record that a chunk that was not submitted is about to be submitted again.

        Args:
            number: The number of the chunk.
            digest: The SHA-256 digest of the submission, in hexadecimal.
            at: The time, in Unix time.
        """
        with self._transaction() as execute:
            chunk = self._chunk_in(number, ChunkState.NOT_SUBMITTED)
            execute(f"UPDATE refusals SET excluded = TRUE WHERE {_IN_CHUNK}", _bounds(chunk))
            return self._update(chunk, state=ChunkState.SUBMITTING, digest=digest, planned_at=at)

    def submitted(self, number: int, session_id: str) -> Chunk:
        """Record that the server has a chunk, and the job that submits its records."""
        with self._transaction():
            chunk = self._chunk_in(number, ChunkState.SUBMITTING)
            return self._update(chunk, state=ChunkState.SUBMITTED, session_id=session_id)

    def not_submitted(self, number: int, reason: str, refused: Mapping[int, str]) -> Chunk:
        """Record that the server has certainly not acted on a chunk.

        Args:
            number: The number of the chunk.
            reason: The reason, for people who read the file.
            refused: The reasons for refusals of records, by their index in the input. Refusals are
                permanent.
        """
        with self._transaction() as execute:
            chunk = self._chunk_in(number, ChunkState.SUBMITTING)
            for record, why in refused.items():
                if not chunk.first <= record < chunk.first + chunk.count:
                    raise ValueError(f"chunk {number} does not have record {record}")
                execute(
                    "INSERT INTO refusals (record, reason) VALUES (?, ?)"
                    " ON CONFLICT (record) DO NOTHING",
                    (record, why),
                )
            return self._update(chunk, state=ChunkState.NOT_SUBMITTED, not_submitted_because=reason)

    def batch(self, number: int, batch_id: str) -> Chunk:
        """Record the batch that the records of a chunk are registered under."""
        with self._transaction():
            return self._update(self._chunk_in(number, ChunkState.SUBMITTED), batch_id=batch_id)

    def done(self, number: int, outcomes: Sequence[Outcome]) -> Chunk:
        """Record the outcomes of the records of a chunk.

        Args:
            number: The number of the chunk, which is submitted, or has only refused records.
            outcomes: The outcome of each record of the chunk, in order.
        """
        with self._transaction() as execute:
            chunk = self._chunk_in(number, ChunkState.SUBMITTED, ChunkState.NOT_SUBMITTED)
            if chunk.state is ChunkState.NOT_SUBMITTED and not chunk.all_refused:
                raise ValueError(f"chunk {number} was not submitted")
            for record, outcome in zip(range(*_bounds(chunk)), outcomes, strict=True):
                execute("INSERT INTO outcomes VALUES (?, ?, ?, ?, ?)", (record, *outcome))
            return self._update(chunk, state=ChunkState.DONE)

    def outcomes(self, number: int) -> list[Outcome]:
        """Read the outcomes of the records of a chunk that is done, in order."""
        with self._transaction() as execute:
            chunk = self._chunk_in(number, ChunkState.DONE)
            rows = execute(
                "SELECT session_id, handle, error, error_kind FROM outcomes"
                f" WHERE {_IN_CHUNK} ORDER BY record",
                _bounds(chunk),
            ).fetchall()
        if len(rows) != chunk.count:
            raise _unusable(self._name, f"outcomes of chunk {number} are missing")
        return [Outcome(*row) for row in rows]

    def _initialise(self, execute: _Execute, prov_api: str) -> None:
        """Check the database, and create its tables if it is empty."""
        if execute("PRAGMA schema_version").fetchone() == (0,):
            for statement in _SCHEMA.split(";"):
                execute(statement)
            execute("INSERT INTO deployment VALUES (?)", (prov_api,))
            return
        if execute("PRAGMA application_id").fetchone() != (_APPLICATION_ID,):
            raise _unusable(self._name, "it is the database of another program")
        (version,) = execute("PRAGMA user_version").fetchone()
        if version > _FORMAT:
            raise _unusable(
                self._name,
                f"it was written by a newer prov-facade: its format is {version}, and this version"
                f" reads format {_FORMAT}",
            )
        # Checks the whole file: its structure, types and constraints.
        (fault,) = execute("PRAGMA integrity_check(1)").fetchone()
        if fault != "ok":
            raise _unusable(self._name, f"it is damaged: {fault}")
        found = [prov_api for (prov_api,) in execute("SELECT prov_api FROM deployment")]
        if found != [prov_api]:
            raise _unusable(
                self._name,
                f"it belongs to the prov-api {', '.join(found)!r}, not {prov_api!r}",
            )

    def _select(self, condition: str, value: object) -> list[Chunk]:
        execute = self._connection.execute
        rows = execute(f"SELECT {_COLUMNS} FROM chunks WHERE {condition} ORDER BY number", (value,))
        chunks = [Chunk(*row) for row in rows]
        for index, chunk in enumerate(chunks):
            refusals = execute(
                f"SELECT record, reason, excluded FROM refusals WHERE {_IN_CHUNK}", _bounds(chunk)
            ).fetchall()
            refused = {record: reason for record, reason, _ in refusals}
            excluded = frozenset(record for record, _, excluded in refusals if excluded)
            chunks[index] = evolve(chunk, refused=refused, excluded=excluded)
        return chunks

    def _chunk_in(self, number: int, *states: ChunkState) -> Chunk:
        for chunk in self._select("number = ?", number):
            if chunk.state in states:
                return chunk
        raise ValueError(f"chunk {number} does not exist, or is not {' or '.join(states)}")

    def _update(self, chunk: Chunk, **columns: object) -> Chunk:
        assignments = ", ".join(f"{column} = ?" for column in columns)
        self._connection.execute(
            f"UPDATE chunks SET {assignments} WHERE number = ?", (*columns.values(), chunk.number)
        )
        return self._select("number = ?", chunk.number)[0]

    @contextmanager
    def _transaction(self) -> Iterator[_Execute]:
        if self._inherited:
            raise ConfigError(
                f"{self._name} was opened by the parent of this process, before a fork: open it"
                " again"
            )
        # The connection commits or rolls back when its context ends.
        with _in_use, _translated_errors(self._name, self.path), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection.execute


def _real_path(path: str | os.PathLike[str]) -> Path:
    """Resolve symbolic links, so that two names of one file share a lock."""
    try:
        return Path(os.path.realpath(path))
    except ValueError as error:  # for a NUL in the path
        raise ConfigError(f"{os.fspath(path)!r} is not a file name: {error}") from error


def _lock(path: Path) -> FileLock:
    """Create a file if it does not exist, and lock it."""
    from filelock import FileLock, Timeout  # noqa: PLC0415  (few programs open a manifest)

    lock = FileLock(f"{path}.lock", mode=0o600, thread_local=False)
    what = "opened"
    try:
        # Opening a pipe or a device might block.
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise ConfigError(f"{str(path)!r} is not a file")
        # SQLite would create it with other permissions, and does not report the system's error.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if path.stat().st_size == 1:  # SQLite treats it as empty
            raise _unusable(repr(str(path)), "file is not a database")
        what = f"locked with {lock.lock_file!r}"
        lock.acquire(blocking=False)
    except Timeout:
        raise ConfigError(
            f"{str(path)!r} is in use by another process or by this one: wait until it is closed"
        ) from None
    except OSError as error:
        raise FileError(
            f"{str(path)!r} cannot be {what}: {error.strerror or error}",
            number=error.errno,
            filename=str(path),
        ) from error
    return lock


def _connect(database: str) -> sqlite3.Connection:
    import sqlite3  # noqa: PLC0415 - slow to import, and rarely needed

    connection = sqlite3.connect(database, uri=True, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA journal_mode = DELETE")
        # FULL does not wait until the journal is deleted on the disk: the last transaction might be
        # rolled back after a power failure.
        connection.execute("PRAGMA synchronous = EXTRA")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _translated_errors(name: str, path: str | None) -> Iterator[None]:
    import sqlite3  # noqa: PLC0415 - as above

    numbers = {
        sqlite3.SQLITE_FULL: errno.ENOSPC,
        sqlite3.SQLITE_IOERR: errno.EIO,
        sqlite3.SQLITE_NOMEM: errno.ENOMEM,
        sqlite3.SQLITE_READONLY: errno.EACCES,
        sqlite3.SQLITE_CANTOPEN: None,
    }
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError) as error:
        raise ValueError(str(error)) from error
    except sqlite3.DatabaseError as error:
        code = error.sqlite_errorcode & 0xFF  # the primary result code
        if code == sqlite3.SQLITE_BUSY:
            raise ConfigError(f"{name} is in use by another program: {error}") from error
        if code not in numbers:
            raise _unusable(name, str(error)) from error
        reason, number = str(error), numbers[code]
        if error.sqlite_errorcode == sqlite3.SQLITE_READONLY_DBMOVED:
            reason, number = "it has been moved, deleted or replaced", errno.ENOENT
        raise FileError(
            f"{name} cannot be read or written: {reason}", number=number, filename=path
        ) from error


def _unusable(name: str, reason: str) -> ConfigError:
    return ConfigError(f"{name} is not a usable manifest: {reason}")


def _bounds(chunk: Chunk) -> tuple[int, int]:
    return chunk.first, chunk.first + chunk.count
