"""Changes the lineage graph.

Each node and link belongs to one or more records. Removing a record removes the nodes and links
that belong to no other record.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import frozen

from prov_facade.sandbox._state.store import Store


@frozen
class Node:
    """A node of the lineage graph."""

    id: str
    item_category: str
    item_subtype: str


@frozen
class Link:
    """A link of the lineage graph: a PROV-O relation from source to target."""

    source: str
    relation: str
    target: str


def add(store: Store, record: str, nodes: Iterable[Node], links: Iterable[Link]) -> None:
    """Add the nodes and links of a record.

    Args:
        store: Contains the graph.
        record: The id of the record.
        nodes: Nodes. Existing nodes are not changed, but belong to this record as well.
        links: Links between these or existing nodes. Two nodes have at most one link: a new
            relation replaces that of an existing link.

    Raises:
        KeyError: If an end of a link does not exist; nothing is added.
    """
    with store.transaction() as connection:
        for node in nodes:
            connection.execute(
                "INSERT INTO node (id, category, subtype) VALUES (?, ?, ?)"
                " ON CONFLICT (id) DO NOTHING",
                (node.id, node.item_category, node.item_subtype),
            )
            number = _number(connection, node.id)
            connection.execute("INSERT OR IGNORE INTO node_record VALUES (?, ?)", (number, record))
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


def remove(store: Store, record: str) -> None:
    """Remove the nodes and links of a record.

    Those that also belong to other records are kept, and lose only the id of this record.
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
    with store.transaction() as connection:
        for statement in statements:
            connection.execute(statement, {"record": record})


def clear(store: Store) -> None:
    """Delete all nodes and links, but no items."""
    with store.transaction() as connection:
        connection.execute("DELETE FROM link")
        connection.execute("DELETE FROM node")


def removal_diff(store: Store, record: str) -> list[dict[str, Any]]:
    """Return what removing a record would change, in the format of the server."""
    with store.locked() as connection:
        return [*_link_changes(connection, record), *_node_changes(connection, record)]


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
            "source": _link_end(connection, source),
            "target": _link_end(connection, target),
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


def _link_end(connection: sqlite3.Connection, number: int) -> dict[str, Any]:
    row = connection.execute("SELECT id, subtype, category FROM node WHERE number = ?", (number,))
    node_id, subtype, category = row.fetchone()
    records = _records(connection, "node_record WHERE node = ?", number)
    props = {"record_ids": ",".join(records)}
    return {"id": node_id, "subtype": subtype, "category": category, "props": props}


def _records(connection: sqlite3.Connection, where: str, *numbers: int) -> list[str]:
    """Return the records that a node or a link belongs to."""
    rows = connection.execute(f"SELECT record FROM {where} ORDER BY record", numbers)
    return [record for (record,) in rows]
