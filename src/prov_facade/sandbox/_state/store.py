"""What the sandbox holds: items and the links between them, in SQLite.

Nodes are numbered inside the store, since links of small integers are what makes lineage queries
over millions of links quick. Each node and link knows the records that brought it about: deleting
a record takes away what it alone brought.
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

# Changes whenever the tables change: a state file of another version is refused.
VERSION = 1
# Tells state files from other files of SQLite, which have versions, too.
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
CREATE INDEX job_of_user ON job (username, number);
CREATE INDEX job_of_batch ON job (batch_id, number) WHERE batch_id IS NOT NULL;
CREATE TABLE report (session_id TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""
_NAMES = frozenset(re.findall(r"CREATE (?:TABLE|INDEX) (\w+)", _TABLES))
# All tables but those of secrets. Foreign keys refer to tables that come earlier.
_CONTENT = tuple(n for n in re.findall(r"CREATE TABLE (\w+)", _TABLES) if n != "secret")

Rows: TypeAlias = Mapping[str, Sequence[tuple[Any, ...]]]


class StateError(Exception):
    """A state file that cannot be used. Its text is one line, for a person."""


@frozen
class Item:
    """Something that the registry knows.

    Attributes:
        id: The handle.
        item_category: ``ACTIVITY``, ``AGENT`` or ``ENTITY``.
        item_subtype: What it is, such as ``MODEL_RUN``.
        display_name: The name that people see.
        owner_username: Who registered it.
        created_timestamp: When, in Unix seconds.
        updated_timestamp: When it was changed last, in Unix seconds.
        body: Everything else about it.
    """

    id: str
    item_category: str
    item_subtype: str
    display_name: str
    owner_username: str = "sandbox"
    created_timestamp: int = 0
    updated_timestamp: int = 0
    body: dict[str, Any] = field(factory=dict)


@frozen
class Node:
    """A node of the lineage graph."""

    id: str
    item_category: str
    item_subtype: str


@frozen
class Link:
    """A link of the lineage graph; the relation is PROV-O's, from source to target."""

    source: str
    relation: str
    target: str


class Store:
    """Items, nodes and links.

    Args:
        path: A state file, made when it does not exist; ``None`` keeps everything in memory.

    Raises:
        StateError: If the file is not a state file, is one of another version, or is in use.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.RLock()
        self._open_writes = 0  # guarded by the lock, which one thread holds at a time
        self._path = path
        try:
            # Statements are serialised by the lock, whichever thread they come from.
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
                raise self._refused(str(error)) from error
            raise self._refused("it is in use, by another sandbox perhaps") from error
        except sqlite3.Error as error:
            raise self._refused(str(error)) from error

    def _refused(self, reason: str) -> StateError:
        return StateError(f"{self._path} cannot be used as a state file: {reason}")

    def _prepare(self) -> None:
        execute = self._connection.execute
        # Everything is looked at before anything is changed, the mode of the journal included.
        (application,) = execute("PRAGMA application_id").fetchone()
        (version,) = execute("PRAGMA user_version").fetchone()
        tables = {name for (name,) in execute("SELECT name FROM sqlite_schema")}
        if application != _APPLICATION and (application or version or tables):
            raise self._refused("it is another program's")
        if tables and version != VERSION:
            raise self._refused(f"it has version {version}, this sandbox needs {VERSION}")
        if tables and not tables.issuperset(_NAMES):
            missing = ", ".join(sorted(_NAMES - tables))
            raise self._refused(f"it is damaged, and lacks {missing}")
        # Two that work on one file would do its jobs twice.
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")
        execute("PRAGMA foreign_keys = ON")
        execute("PRAGMA temp_store = MEMORY")
        # In one transaction: a file that is half made would be of no version. Nor is the lock
        # taken without one.
        with self.writing():
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
        """Close the store. What is in a file stays there."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Make several changes at once, or none of them. May be used within itself."""
        with self._lock:
            if self._open_writes:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            self._open_writes += 1
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            else:
                self._connection.execute("COMMIT")
            finally:
                self._open_writes -= 1

    @contextmanager
    def exclusively(self) -> Iterator[sqlite3.Connection]:
        """Run several statements that change nothing but temporary tables, undisturbed."""
        with self._lock:
            yield self._connection

    def query(self, statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        with self._lock:
            return self._connection.execute(statement, parameters).fetchall()

    def next_number(self, name: str, first: int) -> int:
        """Count on, also over restarts."""
        with self.writing() as connection:
            row = connection.execute(
                "INSERT INTO counter VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
                (name, first),
            ).fetchone()
        number: int = row[0]
        return number

    def secret(self, name: str, make: Callable[[], bytes], *, renew: bool = False) -> bytes:
        """Return a secret, which is created at the first call.

        Args:
            name: The name of the secret.
            make: Creates it.
            renew: Whether to replace the secret if it exists.
        """
        with self.writing() as connection:
            if renew:
                connection.execute("DELETE FROM secret WHERE name = ?", (name,))
            connection.execute("INSERT OR IGNORE INTO secret VALUES (?, ?)", (name, make()))
            row = connection.execute("SELECT value FROM secret WHERE name = ?", (name,)).fetchone()
        value: bytes = row[0]
        return value

    # All rows

    def rows(self) -> Rows:
        """Return the rows of all tables except those of secrets."""
        with self._lock:
            return {
                table: self._connection.execute(f"SELECT * FROM {table}").fetchall()
                for table in _CONTENT
            }

    def insert_rows(self, rows: Rows) -> None:
        """Insert rows that :meth:`rows` of another store returned."""
        with self.writing() as connection:
            for table in _CONTENT:
                if rows[table]:
                    places = ", ".join("?" * len(rows[table][0]))
                    connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows[table])

    def clear(self) -> None:
        """Delete the rows of all tables except those of secrets."""
        with self.writing() as connection:
            for table in reversed(_CONTENT):
                connection.execute(f"DELETE FROM {table}")

    # Items

    def put_items(self, items: Iterable[Item]) -> None:
        """Add items, or replace those that have the same id."""
        rows = [
            (
                i.id,
                i.item_category,
                i.item_subtype,
                i.display_name,
                i.owner_username,
                i.created_timestamp,
                i.updated_timestamp,
                msgspec.json.encode(i.body).decode(),
            )
            for i in items
        ]
        with self.writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
            )

    def item(self, item_id: str) -> Item | None:
        """Return the item of an id."""
        rows = self.query("SELECT * FROM item WHERE id = :id", {"id": item_id})
        return _item(rows[0]) if rows else None

    def items(self, item_subtype: str | None = None) -> list[Item]:
        """Return every item, or every one of a subtype, the oldest first."""
        rows = self.query(
            "SELECT * FROM item WHERE :subtype IS NULL OR subtype = :subtype ORDER BY created, id",
            {"subtype": item_subtype},
        )
        return [_item(row) for row in rows]

    # Reports

    def put_report(self, session_id: str, content: bytes) -> None:
        """Keep the report of a job."""
        with self.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO report VALUES (?, ?)", (session_id, content))

    def report(self, session_id: str) -> bytes | None:
        """Return the report of a job."""
        rows = self.query("SELECT content FROM report WHERE session_id = :id", {"id": session_id})
        return rows[0][0] if rows else None

    # The lineage graph

    def add(self, record: str, nodes: Iterable[Node], links: Iterable[Link]) -> None:
        """Add what a record brings about to the graph.

        Args:
            record: The id of the record.
            nodes: Nodes; those that are there stay as they are, and get the record.
            links: Links between these or other nodes that are there. Between two nodes there is one
                link: another relation replaces the first one's.

        Raises:
            KeyError: If a link leads to a node that is not there; nothing is added.
        """
        with self.writing() as connection:
            for node in nodes:
                connection.execute(
                    "INSERT INTO node (id, category, subtype) VALUES (?, ?, ?)"
                    " ON CONFLICT (id) DO NOTHING",
                    (node.id, node.item_category, node.item_subtype),
                )
                number = _number(connection, node.id)
                connection.execute(
                    "INSERT OR IGNORE INTO node_record VALUES (?, ?)", (number, record)
                )
            for link in links:
                ends = _number(connection, link.source), _number(connection, link.target)
                connection.execute(
                    "INSERT INTO link VALUES (?, ?, ?)"
                    " ON CONFLICT (source, target) DO UPDATE SET relation = excluded.relation",
                    (*ends, link.relation),
                )
                connection.execute(
                    "INSERT OR IGNORE INTO link_record VALUES (?, ?, ?)", (*ends, record)
                )

    def changes(self, record: str) -> list[dict[str, Any]]:
        """Say what removing a record would change, as the server lists it."""
        with self.exclusively() as connection:
            return [*_link_changes(connection, record), *_node_changes(connection, record)]

    def remove(self, record: str) -> None:
        """Take what a record brought about out of the graph.

        What other records brought about as well stays, and only loses the record's id.
        """
        only = "SELECT {0} FROM {1}_record AS r WHERE record = :record AND NOT EXISTS ({2})"
        links = (
            "SELECT 1 FROM link_record AS o WHERE o.record <> r.record"
            " AND o.source = r.source AND o.target = r.target"
        )
        nodes = "SELECT 1 FROM node_record AS o WHERE o.record <> r.record AND o.node = r.node"
        statements = (
            "DELETE FROM link WHERE (source, target) IN"
            f" ({only.format('source, target', 'link', links)})",
            f"DELETE FROM node WHERE number IN ({only.format('node', 'node', nodes)})",
            "DELETE FROM link_record WHERE record = :record",
            "DELETE FROM node_record WHERE record = :record",
        )
        with self.writing() as connection:
            for statement in statements:
                connection.execute(statement, {"record": record})

    def clear_graph(self) -> None:
        """Delete every node and link. Items stay."""
        with self.writing() as connection:
            connection.execute("DELETE FROM link")
            connection.execute("DELETE FROM node")


def _item(row: tuple[Any, ...]) -> Item:
    *fields, body = row
    fields.append(msgspec.json.decode(body))
    return Item(*fields)


def _number(connection: sqlite3.Connection, node_id: str) -> int:
    row = connection.execute("SELECT number FROM node WHERE id = ?", (node_id,)).fetchone()
    if row is None:
        raise KeyError(node_id)
    number: int = row[0]
    return number


def _link_changes(connection: sqlite3.Connection, record: str) -> Iterator[dict[str, Any]]:
    rows = connection.execute(
        """
        SELECT source, target, link.relation FROM link_record AS r JOIN link USING (source, target)
        JOIN node AS s ON s.number = source JOIN node AS t ON t.number = target
        WHERE r.record = ? ORDER BY s.id, t.id
        """,
        (record,),
    ).fetchall()
    for source, target, relation in rows:
        records = _records(
            connection, "link_record WHERE source = ? AND target = ?", source, target
        )
        link = {
            "source": _end(connection, source),
            "target": _end(connection, target),
            "relation": relation,
            "props": {"record_ids": ",".join(records)},
        }
        if records == [record]:
            yield {"action_type": "REMOVE_LINK", "link": link}
        else:
            yield {"action_type": "REMOVE_RECORD_ID_FROM_LINK", "link": link, "record_id": record}


def _node_changes(connection: sqlite3.Connection, record: str) -> Iterator[dict[str, Any]]:
    rows = connection.execute(
        "SELECT number, id FROM node_record JOIN node ON number = node"
        " WHERE record = ? ORDER BY id",
        (record,),
    ).fetchall()
    for number, node_id in rows:
        if _records(connection, "node_record WHERE node = ?", number) == [record]:
            yield {"action_type": "REMOVE_NODE", "node_id": node_id}
        else:
            yield {
                "action_type": "REMOVE_RECORD_ID_FROM_NODE",
                "node_id": node_id,
                "record_id": record,
            }


def _end(connection: sqlite3.Connection, number: int) -> dict[str, Any]:
    row = connection.execute("SELECT id, subtype, category FROM node WHERE number = ?", (number,))
    node_id, subtype, category = row.fetchone()
    records = _records(connection, "node_record WHERE node = ?", number)
    props = {"record_ids": ",".join(records)}
    return {"id": node_id, "subtype": subtype, "category": category, "props": props}


def _records(connection: sqlite3.Connection, where: str, *numbers: int) -> list[str]:
    """List the records that brought about a node or a link."""
    rows = connection.execute(f"SELECT record FROM {where} ORDER BY record", numbers)
    return [record for (record,) in rows]
