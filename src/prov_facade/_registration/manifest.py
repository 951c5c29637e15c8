# ruff: noqa: S608 - the statements contain only constants of this module
"""The state of a registration in a SQLite database, which outlives the process."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import msgspec
from attrs import frozen

from prov_facade._runtime.fork import hold_during_fork, reset_in_child
from prov_facade.errors import ConfigError, FileError

if TYPE_CHECKING:
    import sqlite3

    from filelock import FileLock

    _Execute = Callable[..., sqlite3.Cursor]

_APPLICATION_ID = 0x50_52_4F_56  # "PROV"
_FORMAT = 1

# The constraints check each write, and the whole file when it is opened. The tables are not STRICT,
# since that needs SQLite 3.37, and Red Hat Enterprise Linux 9 has 3.34. The check when it is opened
# also compares the values in the indexes with those in the tables. All columns of submissions are
# in an index for that reason, since they are read without the checksums of their chunks.
_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_FORMAT};
CREATE TABLE deployment (prov_api TEXT NOT NULL);
CREATE TABLE chunks (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    first INTEGER NOT NULL UNIQUE CHECK (typeof(first) = 'integer' AND first >= 0),
    count INTEGER NOT NULL CHECK (typeof(count) = 'integer' AND count > 0),
    planned_at REAL NOT NULL CHECK (typeof(planned_at) = 'real'),
    state TEXT NOT NULL DEFAULT 'submitting'
        CHECK (state IN ('submitting', 'submitted', 'not submitted', 'done')),
    not_submitted_because TEXT,
    checksum BLOB
);
CREATE TABLE records (
    record INTEGER PRIMARY KEY CHECK (record >= 0),
    digest BLOB CHECK (length(digest) = 32),
    identity BLOB CHECK (length(identity) = 32),
    session_id TEXT CHECK (session_id <> ''),
    handle TEXT,
    error TEXT,
    error_kind TEXT
);
CREATE TABLE submissions (
    session_id TEXT PRIMARY KEY CHECK (typeof(session_id) = 'text' AND session_id <> ''),
    chunk INTEGER NOT NULL,
    batch_id TEXT CHECK (batch_id <> '')
);
CREATE INDEX submissions_of_chunk ON submissions (chunk);
CREATE INDEX submissions_of_batch ON submissions (batch_id);
"""

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
        NOT_SUBMITTED: The server has not acted on its open records: they may be submitted.
        DONE: The outcome of each of its records is known.
    """

    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    NOT_SUBMITTED = "not submitted"
    DONE = "done"


class Outcome(NamedTuple):
    """The outcome of a record, as far as it is known.

    Attributes:
        session_id: The job that registers it.
        handle: The id that it is registered under.
        error: Why it is not registered.
        error_kind: The kind of that error.
    """

    session_id: str | None = None
    handle: str | None = None
    error: str | None = None
    error_kind: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether the record is registered, or has failed."""
        return self.handle is not None or self.error is not None


class StoredRecord(NamedTuple):
    """A record of the input.

    Attributes:
        digest: The SHA-256 of its content; ``None`` if it is invalid, and is never submitted.
        identity: The SHA-256 of the fields that identify it.
        outcome: Its outcome.
    """

    digest: bytes | None = None
    identity: bytes | None = None
    outcome: Outcome = Outcome()

    @property
    def is_open(self) -> bool:
        """Whether the next submission of its chunk includes it."""
        return self.digest is not None and self.outcome == Outcome()


class SubmittedBatch(NamedTuple):
    """A job that submits records of a chunk.

    Attributes:
        session_id: The job.
        batch_id: The batch that the records are registered under, once that is known.
    """

    session_id: str
    batch_id: str | None


@frozen
class Chunk:
    """Consecutive input records that are submitted together.

    Attributes:
        number: Its number, which it keeps.
        first: The index of its first record in the input.
        planned_at: When it was submitted last, in Unix time.
        state: What is known about it.
        records: Its records, in order.
        batches: The jobs that submitted records of it, in order. More than one only if an earlier
            one has failed before it had started the jobs of all records.
    """

    number: int
    first: int
    planned_at: float
    state: ChunkState
    records: tuple[StoredRecord, ...]
    batches: tuple[SubmittedBatch, ...] = ()

    @property
    def count(self) -> int:
        """The number of its input records."""
        return len(self.records)

    @property
    def open_records(self) -> list[StoredRecord]:
        """The records that the next submission includes, or that the current one does."""
        return [record for record in self.records if record.is_open]

    @property
    def session_id(self) -> str | None:
        """The job that submits its records; ``None`` if none does."""
        submitted = self.state in (ChunkState.SUBMITTED, ChunkState.DONE) and self.batches
        return self.batches[-1].session_id if submitted else None


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

    def delete(self) -> None:
        """Delete the file and its lock file, and close it.

        The lock file goes first: another process that has opened it before finds the other file,
        which it has opened even earlier, deleted as well. A killed process may have left a journal,
        which would be taken for that of the next manifest.
        """
        assert self.path is not None  # noqa: S101  (a temporary one deletes itself)
        if os.name == "nt":  # open files cannot be deleted there
            self.close()
        for name in (f"{self.path}.lock", f"{self.path}-journal", self.path):
            Path(name).unlink(missing_ok=True)
        self.close()

    def reset_after_fork(self) -> None:
        """Reject further calls: the connection and the lock belong to the parent process."""
        self._inherited = True

    def chunk(self, first: int) -> Chunk | None:
        """Read the chunk that starts with a record; ``None`` if it was not planned yet.

        Raises:
            ConfigError: If the file is damaged, as with every method here.
            FileError: If it cannot be read or written, as with every method here.
        """
        with self._transaction():
            return self._read("first = ?", first)

    def chunks(self, *states: ChunkState) -> Iterator[Chunk]:
        """Read the chunks in any of some states, in the order of their records."""
        with self._transaction() as execute:
            found = execute("SELECT number, state FROM chunks ORDER BY first").fetchall()
        for number, state in found:
            if state in states:
                with self._transaction():
                    chunk = self._read("number = ?", number)
                if chunk is None:  # no method deletes one
                    raise _unusable(self._name, f"chunk {number} is missing")
                yield chunk

    def next_record(self) -> int:
        """Return the index of the first record after those of all chunks."""
        with self._transaction() as execute:
            (index,) = execute("SELECT coalesce(max(first + count), 0) FROM chunks").fetchone()
            return int(index)

    def session_ids(self, before: float | None = None) -> AbstractSet[str]:
        """Read the jobs that submitted records of a chunk.

        Args:
            before: A Unix time; only the jobs of chunks that were submitted last before it.
        """
        with self._transaction() as execute:
            if before is None:
                rows = execute("SELECT session_id FROM submissions")
            else:
                rows = execute(
                    "SELECT session_id FROM submissions JOIN chunks ON number = chunk"
                    " WHERE planned_at < ?",
                    (before,),
                )
            return frozenset(session_id for (session_id,) in rows)

    def batch_ids(self) -> AbstractSet[str]:
        """Read the batches that records of a chunk are registered under."""
        with self._transaction() as execute:
            rows = execute("SELECT batch_id FROM submissions WHERE batch_id IS NOT NULL")
            return frozenset(batch_id for (batch_id,) in rows)

    def plan(self, records: Sequence[StoredRecord], at: float) -> Chunk:
        """Record that the next chunk is about to be submitted.

        Args:
            records: Its input records, which follow those of the previous chunk.
            at: The time, in Unix time.

        Raises:
            ValueError: If a value is invalid, or the state of the chunk does not allow the call.
                Nothing is written then, as with every method here.
        """
        with self._transaction() as execute:
            (number,) = execute("SELECT count(*) FROM chunks").fetchone()
            (first,) = execute("SELECT coalesce(max(first + count), 0) FROM chunks").fetchone()
            execute(
                "INSERT INTO chunks (number, first, count, planned_at) VALUES (?, ?, ?, ?)",
                (number, first, len(records), at),
            )
            for index, (digest, identity, outcome) in enumerate(records, first):
                execute(
                    "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (index, digest, identity, *outcome),
                )
            return self._sealed(number)

    def plan_again(self, number: int, at: float) -> Chunk:
        """Record that the open records of a chunk are about to be submitted.

        Args:
            number: The chunk.
            at: The time, in Unix time.
        """
        with self._transaction():
            self._chunk_in(number, ChunkState.NOT_SUBMITTED)
            return self._sealed(number, state=ChunkState.SUBMITTING, planned_at=at)

    def submitted(self, number: int, session_id: str) -> Chunk:
        """Record that the server has a chunk, and the job that submits its records."""
        with self._transaction() as execute:
            self._chunk_in(number, ChunkState.SUBMITTING)
            execute("INSERT INTO submissions VALUES (?, ?, NULL)", (session_id, number))
            return self._sealed(number, state=ChunkState.SUBMITTED)

    def not_submitted(self, number: int, reason: str, refused: Mapping[int, Outcome]) -> Chunk:
        """Record that the server has certainly not acted on a submission.

        Args:
            number: The chunk.
            reason: The reason, for people who read the file.
            refused: The outcomes of the open records that the server rejects permanently, by their
                index in the input.
        """
        with self._transaction():
            chunk = self._chunk_in(number, ChunkState.SUBMITTING)
            self._set_open_outcomes(chunk, refused)
            return self._sealed(
                number, state=ChunkState.NOT_SUBMITTED, not_submitted_because=reason
            )

    def batch(self, number: int, batch_id: str) -> Chunk:
        """Record the batch that the records of a chunk are registered under."""
        with self._transaction() as execute:
            chunk = self._chunk_in(number, ChunkState.SUBMITTED)
            execute(
                "UPDATE submissions SET batch_id = ? WHERE session_id = ?",
                (batch_id, chunk.session_id),
            )
            return self._sealed(number)

    def known(self, number: int, outcomes: Mapping[int, Outcome]) -> Chunk:
        """Record final outcomes of some records, before those of the whole chunk are known.

        Args:
            number: The chunk.
            outcomes: The outcomes, by the index of the record in the input.
        """
        with self._transaction():
            chunk = self._chunk_in(number, ChunkState.SUBMITTED)
            for index in outcomes:
                inside = chunk.first <= index < chunk.first + chunk.count
                if not inside or chunk.records[index - chunk.first].outcome.is_final:
                    raise ValueError(f"chunk {number} does not have a record {index} to complete")
            self._set_outcomes(outcomes)
            return self._sealed(number)

    def broken_off(
        self, number: int, started: Mapping[int, str], batch_id: str | None = None
    ) -> Chunk:
        """Record that a submission ended early: the records without a job are open again.

        Args:
            number: The chunk.
            started: The jobs of the open records that have one, by their index in the input.
            batch_id: The batch of these jobs, if it is known.
        """
        with self._transaction() as execute:
            chunk = self._chunk_in(number, ChunkState.SUBMITTED)
            execute(
                "UPDATE submissions SET batch_id = coalesce(?, batch_id) WHERE session_id = ?",
                (batch_id, chunk.session_id),
            )
            jobs = {index: Outcome(job) for index, job in started.items()}
            self._set_open_outcomes(chunk, jobs)
            return self._sealed(
                number, state=ChunkState.NOT_SUBMITTED, not_submitted_because="the job has failed"
            )

    def split(self, number: int, count: int) -> tuple[Chunk, Chunk]:
        """Make two chunks of one that was not submitted.

        Args:
            number: The chunk, which keeps its number.
            count: How many records it keeps.

        Returns:
            This chunk, and the new one with the other records.
        """
        with self._transaction() as execute:
            chunk = self._chunk_in(number, ChunkState.NOT_SUBMITTED)
            (new,) = execute("SELECT count(*) FROM chunks").fetchone()
            execute(
                "INSERT INTO chunks (number, first, count, planned_at, state)"
                " VALUES (?, ?, ?, ?, ?)",
                (new, chunk.first + count, chunk.count - count, chunk.planned_at, chunk.state),
            )
            return self._sealed(number, count=count), self._sealed(new)

    def withdraw(self, number: int, outcomes: Mapping[int, Outcome]) -> Chunk:
        """Record that open records of a chunk will not be submitted.

        Args:
            number: The chunk, which is not submitted.
            outcomes: Their outcomes, by their index in the input.
        """
        with self._transaction():
            self._set_open_outcomes(self._chunk_in(number, ChunkState.NOT_SUBMITTED), outcomes)
            return self._sealed(number)

    def forget(self, number: int) -> Chunk:
        """Forget the contents of the records of a chunk that is done: they match no others."""
        with self._transaction() as execute:
            chunk = self._chunk_in(number, ChunkState.DONE)
            execute(
                "UPDATE records SET digest = NULL, identity = NULL"
                " WHERE record >= ? AND record < ?",
                (chunk.first, chunk.first + chunk.count),
            )
            return self._sealed(number)

    def done(self, number: int, outcomes: Sequence[Outcome]) -> Chunk:
        """Record the outcomes of the records of a chunk.

        Args:
            number: The chunk, which is submitted, or has no open record.
            outcomes: The outcome of each record of the chunk, in order.
        """
        with self._transaction():
            chunk = self._chunk_in(number, ChunkState.SUBMITTED, ChunkState.NOT_SUBMITTED)
            if chunk.state is ChunkState.NOT_SUBMITTED and chunk.open_records:
                raise ValueError(f"chunk {number} was not submitted")
            indexes = range(chunk.first, chunk.first + chunk.count)
            self._set_outcomes(dict(zip(indexes, outcomes, strict=True)))
            return self._sealed(number, state=ChunkState.DONE)

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

    def _read(self, condition: str, value: int) -> Chunk | None:
        rows = self._rows(condition, value)
        if rows is None:
            return None
        *content, checksum = rows
        # SQLite does not notice when bits of a value flip on the disk.
        if checksum != _checksum(content):
            raise _unusable(self._name, f"chunk {rows[0][0]} is damaged")
        return _chunk(*content)

    def _rows(self, condition: str, value: int) -> tuple[Any, list[Any], list[Any], bytes] | None:
        execute = self._connection.execute
        row = execute(
            "SELECT number, first, count, planned_at, state, checksum FROM chunks"
            f" WHERE {condition}",
            (value,),
        ).fetchone()
        if row is None:
            return None
        number, first, count, *_, checksum = row
        records = execute(
            "SELECT digest, identity, session_id, handle, error, error_kind FROM records"
            " WHERE record >= ? AND record < ? ORDER BY record",
            (first, first + count),
        ).fetchall()
        batches = execute(
            "SELECT session_id, batch_id FROM submissions WHERE chunk = ? ORDER BY rowid", (number,)
        ).fetchall()
        return row[:-1], records, batches, checksum

    def _chunk_in(self, number: int, *states: ChunkState) -> Chunk:
        chunk = self._read("number = ?", number)
        if chunk is None or chunk.state not in states:
            raise ValueError(f"chunk {number} does not exist, or is not {' or '.join(states)}")
        return chunk

    def _set_open_outcomes(self, chunk: Chunk, outcomes: Mapping[int, Outcome]) -> None:
        """Set outcomes of open records, so that no known outcome is lost."""
        for index in outcomes:
            inside = chunk.first <= index < chunk.first + chunk.count
            if not inside or not chunk.records[index - chunk.first].is_open:
                raise ValueError(f"chunk {chunk.number} does not have an open record {index}")
        self._set_outcomes(outcomes)

    def _set_outcomes(self, outcomes: Mapping[int, Outcome]) -> None:
        for index, outcome in outcomes.items():
            self._connection.execute(
                "UPDATE records SET session_id = ?, handle = ?, error = ?, error_kind = ?"
                " WHERE record = ?",
                (*outcome, index),
            )

    def _sealed(self, number: int, **columns: object) -> Chunk:
        """Change columns of a chunk, and compute its checksum again."""
        execute = self._connection.execute
        for column, value in columns.items():
            execute(f"UPDATE chunks SET {column} = ? WHERE number = ?", (value, number))
        rows = self._rows("number = ?", number)
        assert rows is not None  # noqa: S101  (it was read, or inserted, before)
        *content, _ = rows
        execute("UPDATE chunks SET checksum = ? WHERE number = ?", (_checksum(content), number))
        return _chunk(*content)

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


def _checksum(content: Sequence[Any]) -> bytes:
    return hashlib.sha256(msgspec.msgpack.encode(content)).digest()


def _chunk(row: Any, records: list[Any], batches: list[Any]) -> Chunk:
    number, first, _, planned_at, state = row
    stored = (
        StoredRecord(digest, identity, Outcome(*outcome)) for digest, identity, *outcome in records
    )
    submitted = (SubmittedBatch(*batch) for batch in batches)
    return Chunk(number, first, planned_at, ChunkState(state), tuple(stored), tuple(submitted))


def _real_path(path: str | os.PathLike[str]) -> Path:
    """Resolve symbolic links, so that two names of one file share a lock."""
    try:
        return Path(os.path.realpath(path))
    except (TypeError, ValueError) as error:  # for a NUL in the path
        raise ConfigError(f"{path!r} is not a file name: {error}") from error


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
        status = path.stat()
        if status.st_size == 1:  # SQLite considers it empty
            raise _unusable(repr(str(path)), "file is not a database")
        if os.name != "nt" and status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ConfigError(
                f"{str(path)!r} can be changed by other users: run `chmod go-w` on it if you trust"
                " its content"
            )
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
    except UnicodeDecodeError as error:  # the message of an error contains damaged text
        raise _unusable(name, str(error)) from error
    except sqlite3.DatabaseError as error:
        # Python's own error, for text that is not UTF-8, has no code.
        extended_code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
        code = extended_code & 0xFF  # the primary result code
        if code == sqlite3.SQLITE_BUSY:
            raise ConfigError(f"{name} is in use by another program: {error}") from error
        if code not in numbers:
            raise _unusable(name, str(error)) from error
        reason, number = str(error), numbers[code]
        if extended_code == sqlite3.SQLITE_READONLY_DBMOVED:
            reason, number = "it has been moved, deleted or replaced", errno.ENOENT
        raise FileError(
            f"{name} cannot be read or written: {reason}", number=number, filename=path
        ) from error


def _unusable(name: str, reason: str) -> ConfigError:
    return ConfigError(f"{name} is not a usable manifest: {reason}")
