"""The SQLite database of the sandbox.

Graph nodes are numbered: links between small integers make lineage queries over millions of links
fast.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

import msgspec
from attrs import field, frozen

# Increase whenever the tables change: state files of other versions are rejected.
VERSION = 2
# Distinguishes state files from other SQLite files, which may have the same version.
_APPLICATION = int.from_bytes(b"PVSB")

_TABLES = """
CREATE TABLE node (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    category TEXT NOT NULL,
    subtype TEXT NOT NULL
) STRICT;
CREATE TABLE link (
    source INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,
    target INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,
    relation TEXT NOT NULL,
    PRIMARY KEY (source, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_backwards ON link (target, source);
CREATE TABLE node_record (
    node INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,
    record TEXT NOT NULL,
    PRIMARY KEY (record, node)
) STRICT, WITHOUT ROWID;
CREATE TABLE link_record (
    source INTEGER NOT NULL,
    target INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (record, source, target),
    FOREIGN KEY (source, target) REFERENCES link ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX record_of_node ON node_record (node);
CREATE INDEX record_of_link ON link_record (source, target);
CREATE TABLE item (
    id TEXT PRIMARY KEY,
    category TEXT NOT NULL,
    subtype TEXT NOT NULL,
    display_name TEXT NOT NULL,
    owner TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX item_subtype ON item (subtype, created);
CREATE TABLE job (
    number INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    created REAL NOT NULL,
    username TEXT NOT NULL,
    batch_id TEXT,
    payload TEXT NOT NULL,
    job_type TEXT NOT NULL,
    job_sub_type TEXT NOT NULL,
    status TEXT NOT NULL,
    info TEXT,
    result TEXT,
    due REAL
) STRICT;
CREATE INDEX job_due ON job (due) WHERE due IS NOT NULL;
CREATE INDEX job_of_user ON job (username, CAST(created AS INTEGER), session_id);
CREATE INDEX job_of_batch ON job (batch_id, CAST(created AS INTEGER), session_id)
    WHERE batch_id IS NOT NULL;
CREATE TABLE report (session_id TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""
_NAMES = frozenset(re.findall(r"CREATE (?:TABLE|INDEX) (\w+)", _TABLES))
# All tables except that of secrets. Foreign keys refer to earlier tables.
_CONTENT = tuple(n for n in re.findall(r"CREATE TABLE (\w+)", _TABLES) if n != "secret")

Rows: TypeAlias = Mapping[str, Sequence[tuple[Any, ...]]]
"""The rows of each table."""


class StateError(Exception):
    """A state file that cannot be used. The message is a single line."""


@frozen
class Item:
    """An item of the registry.

    Attributes:
        id: The handle.
        item_category: ``ACTIVITY``, ``AGENT`` or ``ENTITY``.
        item_subtype: The kind of item, such as ``MODEL_RUN``.
        display_name: The name that people see.
        owner_username: Who registered the item.
        created_timestamp: When it was registered, in Unix seconds.
        updated_timestamp: When it was last changed, in Unix seconds.
        body: All other fields.
    """

    id: str
    item_category: str
    item_subtype: str
    display_name: str
    owner_username: str = "sandbox"
    created_timestamp: int = 0
    updated_timestamp: int = 0
    body: dict[str, Any] = field(factory=dict)


class Store:
    """The database.

    Args:
        path: A state file, created if it does not exist; ``None`` keeps everything in memory.

    Raises:
        StateError: If the file is not a state file, has another version, or is in use.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.RLock()
        self._open_transactions = 0  # guarded by the lock
        self._path = path
        try:
            # Threads can share the connection, since the lock serialises all statements.
            self._connection = sqlite3.connect(
                path or ":memory:", check_same_thread=False, isolation_level=None, timeout=0
            )
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise self._error(str(error)) from error
            raise self._error("it is in use, perhaps by another sandbox") from error
        except sqlite3.Error as error:
            raise self._error(str(error)) from error

    def _error(self, reason: str) -> StateError:
        return StateError(f"{self._path} cannot be used as a state file: {reason}")

    def _prepare(self) -> None:
        execute = self._connection.execute
        # Everything is checked before anything is changed, including the journal mode.
        (application,) = execute("PRAGMA application_id").fetchone()
        (version,) = execute("PRAGMA user_version").fetchone()
        tables = {name for (name,) in execute("SELECT name FROM sqlite_schema")}
        if application != _APPLICATION and (application or version or tables):
            raise self._error("it belongs to another program")
        if tables and version != VERSION:
            raise self._error(f"it has version {version}, but this sandbox needs version {VERSION}")
        if tables and not tables.issuperset(_NAMES):
            missing = ", ".join(sorted(_NAMES - tables))
            raise self._error(f"it is damaged: {missing} is missing")
        # Two sandboxes on one file would process its jobs twice.
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")
        execute("PRAGMA foreign_keys = ON")
        execute("PRAGMA temp_store = MEMORY")
        # In one transaction, since a half-created file would have no version. The exclusive lock,
        # too, is only taken in a transaction.
        with self.transaction():
            if not tables:
                for statement in filter(str.strip, _TABLES.split(";")):
                    execute(statement)
                execute(f"PRAGMA application_id = {_APPLICATION}")
                execute(f"PRAGMA user_version = {VERSION}")

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
        """Close the database. A state file keeps its data."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Make several changes atomically. Nested transactions are part of the outermost one."""
        with self._lock:
            if self._open_transactions:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            self._open_transactions += 1
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            else:
                self._connection.execute("COMMIT")
            finally:
                self._open_transactions -= 1

    @contextmanager
    def locked(self) -> Iterator[sqlite3.Connection]:
        """Lock the database, to run several statements that change only temporary tables."""
        with self._lock:
            yield self._connection

    def query(self, statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        with self._lock:
            return self._connection.execute(statement, parameters).fetchall()

    def next_number(self, name: str, first: int) -> int:
        """Increment a counter, which is kept across restarts, and return its value."""
        with self.transaction() as connection:
            row = connection.execute(
                "INSERT INTO counter VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
                (name, first),
            ).fetchone()
        number: int = row[0]
        return number

    def secret(self, name: str, make: Callable[[], bytes], *, renew: bool = False) -> bytes:
        """Return a secret, which is created by the first call and kept across restarts.

        Args:
            name: The name of the secret.
            make: Creates the secret.
            renew: Whether to replace the secret if it exists.
        """
        with self.transaction() as connection:
            row = connection.execute("SELECT value FROM secret WHERE name = ?", (name,)).fetchone()
            if row is not None and not renew:
                kept: bytes = row[0]
                return kept
            made = make()
            connection.execute("INSERT OR REPLACE INTO secret VALUES (?, ?)", (name, made))
        return made

    # All rows

    def rows(self) -> Rows:
        """Return the rows of all tables except the secrets."""
        with self._lock:
            return {
                table: self._connection.execute(f"SELECT * FROM {table}").fetchall()
                for table in _CONTENT
            }

    def insert_rows(self, rows: Rows) -> None:
        """Insert rows returned by :meth:`rows` of another store."""
        with self.transaction() as connection:
            for table in _CONTENT:
                if rows[table]:
                    places = ", ".join("?" * len(rows[table][0]))
                    connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows[table])

    def clear(self) -> None:
        """Delete the rows of all tables except the secrets."""
        with self.transaction() as connection:
            for table in reversed(_CONTENT):
                connection.execute(f"DELETE FROM {table}")

    # Items

    def put_items(self, items: Iterable[Item]) -> None:
        """Add items, or replace those with the same id."""
        rows = [
            (
                item.id,
                item.item_category,
                item.item_subtype,
                item.display_name,
                item.owner_username,
                item.created_timestamp,
                item.updated_timestamp,
                msgspec.json.encode(item.body).decode(),
            )
            for item in items
        ]
        with self.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
            )

    def item(self, item_id: str) -> Item | None:
        """Return an item; ``None`` if it does not exist."""
        rows = self.query("SELECT * FROM item WHERE id = :id", {"id": item_id})
        return _item(rows[0]) if rows else None

    def items(self, item_subtype: str | None = None) -> list[Item]:
        """Return all items, or all of a subtype, oldest first."""
        rows = self.query(
            "SELECT * FROM item WHERE :subtype IS NULL OR subtype = :subtype ORDER BY created, id",
            {"subtype": item_subtype},
        )
        return [_item(row) for row in rows]

    # Reports

    def put_report(self, session_id: str, content: bytes) -> None:
        """Store the report of a job."""
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO report VALUES (?, ?)", (session_id, content))

    def report(self, session_id: str) -> bytes | None:
        """Return the report of a job; ``None`` if it does not exist."""
        rows = self.query("SELECT content FROM report WHERE session_id = :id", {"id": session_id})
        return rows[0][0] if rows else None


def _item(row: tuple[Any, ...]) -> Item:
    *fields, body = row
    return Item(*[*fields, msgspec.json.decode(body)])
