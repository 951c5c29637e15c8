"""Searches the lineage graph in SQL.

A walk starts at one node and follows links for at most ``depth`` steps. SQLite finds, step by step,
the distance from the start to each reachable node, and from there the distance to a goal; a link is
part of the result if a walk over it is short enough. However large the graph is, only the reachable
part is read, and each link in it once. A recursive query would visit a node again for each number
of steps in which it can be reached, which takes ten times as long where many links meet.
"""

from __future__ import annotations

import sqlite3
from enum import Enum

from attrs import frozen

from prov_facade.sandbox._state.graph import Link, Node
from prov_facade.sandbox._state.store import Store


class Direction(Enum):
    """The direction in which links are followed; the value is the near and the far column."""

    UPSTREAM = ("source", "target")
    DOWNSTREAM = ("target", "source")


class Goal(Enum):
    """The node at which a walk must end; the value is a condition in SQL."""

    ANYWHERE = "1"
    DATASET = "category = 'ENTITY' AND subtype = 'DATASET'"
    AGENT = "category = 'AGENT'"


@frozen
class Lineage:
    """A part of the graph, with nodes and links sorted."""

    nodes: list[Node]
    links: list[Link]


# near: the distance from the start to each reachable node.
# passed: the links that were followed. The backward search uses only these, since a person may have
#     a million others.
# rest: the distance from a node to the goal, within the depth.
# found_*: the result.
_TABLES = {
    "near": "(number INTEGER PRIMARY KEY, steps INTEGER NOT NULL)",
    "passed": "(number INTEGER, next INTEGER, PRIMARY KEY (next, number)) WITHOUT ROWID",
    "rest": "(number INTEGER PRIMARY KEY, steps INTEGER NOT NULL)",
    "found_node": "(number INTEGER PRIMARY KEY)",
    "found_link": "(source INTEGER, target INTEGER, PRIMARY KEY (source, target)) WITHOUT ROWID",
}

# CROSS JOIN makes SQLite read the tables in the given order: it cannot know how small the temporary
# tables are.
_START = "INSERT INTO near SELECT number, 0 FROM node WHERE id = :start"
_FORWARD = """
INSERT OR IGNORE INTO near SELECT link.{to}, :steps FROM near
CROSS JOIN link ON link.{from_} = near.number WHERE near.steps = :steps - 1
"""
_PASSED = """
INSERT INTO passed SELECT near.number, link.{to} FROM near
CROSS JOIN link ON link.{from_} = near.number WHERE near.steps < :depth
"""
_BACKWARD = """
INSERT OR IGNORE INTO rest SELECT near.number, :steps FROM rest
CROSS JOIN passed ON passed.next = rest.number CROSS JOIN near ON near.number = passed.number
WHERE rest.steps = :steps - 1 AND near.steps + :steps <= :depth
"""

_ALL_NODES = "INSERT INTO found_node SELECT number FROM near"
_ALL_LINKS = """
INSERT INTO found_link ({from_}, {to}) SELECT near.number, link.{to} FROM near
CROSS JOIN link ON link.{from_} = near.number WHERE near.steps < :depth
"""
_ENDING_NODES = """
INSERT INTO found_node SELECT number FROM near CROSS JOIN rest USING (number)
WHERE near.steps + rest.steps <= :depth
"""
_ENDING_LINKS = """
INSERT INTO found_link ({from_}, {to}) SELECT passed.number, passed.next FROM passed
CROSS JOIN near ON near.number = passed.number CROSS JOIN rest ON rest.number = passed.next
WHERE near.steps + 1 + rest.steps <= :depth
"""

# Links from the reachable nodes, one more step upstream, to an agent.
_AGENT_LINKS = """
SELECT {what} FROM near CROSS JOIN link ON link.source = near.number
CROSS JOIN node ON node.number = link.target AND node.category = 'AGENT'
"""

_NODES = "SELECT id, category, subtype FROM found_node CROSS JOIN node USING (number) ORDER BY id"
_LINKS = """
SELECT s.id, link.relation, t.id FROM found_link CROSS JOIN link USING (source, target)
CROSS JOIN node AS s ON s.number = link.source CROSS JOIN node AS t ON t.number = link.target
ORDER BY s.id, t.id
"""


def explore(
    store: Store, start: str, depth: int, direction: Direction, goal: Goal = Goal.ANYWHERE
) -> Lineage:
    """Follow links from a node.

    Args:
        store: Contains the graph.
        start: The id of the node.
        depth: The maximum number of links to follow.
        direction: Upstream, from source to target, or downstream.
        goal: The node at which a walk must end. Intermediate nodes are part of the result.

    Returns:
        The nodes and links of all walks of at least one link. The result is empty, even without the
        start, if no such walk ends at the goal.
    """
    with store.locked() as connection:
        walk = _Walk(connection, direction, depth)
        walk.find_reachable(start)
        if goal is Goal.ANYWHERE:
            walk.run(_ALL_NODES)
            walk.run(_ALL_LINKS)
        else:
            walk.end_at(
                f"SELECT number FROM near CROSS JOIN node USING (number) WHERE {goal.value}"
            )
        return walk.result()


def effected_agents(store: Store, start: str, depth: int) -> Lineage:
    """Find the agents that the nodes downstream of a node point to.

    Args:
        store: Contains the graph.
        start: The id of the node.
        depth: The maximum number of links to follow downstream, excluding the link to the agent.

    Returns:
        The walks from the start to nodes that point to an agent, including these links and agents.
    """
    with store.locked() as connection:
        walk = _Walk(connection, Direction.DOWNSTREAM, depth)
        walk.find_reachable(start)
        walk.end_at(_AGENT_LINKS.format(what="DISTINCT near.number"))
        walk.run(f"INSERT OR IGNORE INTO found_node {_AGENT_LINKS.format(what='link.target')}")
        ends = _AGENT_LINKS.format(what="link.source, link.target")
        walk.run(f"INSERT OR IGNORE INTO found_link {ends}")
        return walk.result()


class _Walk:
    """All walks from a node, up to a maximum length."""

    def __init__(self, connection: sqlite3.Connection, direction: Direction, depth: int) -> None:
        self._connection = connection
        self._from, self._to = direction.value
        self._depth = depth
        for name, columns in _TABLES.items():
            connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {name} {columns}")
        self._clear()

    def run(self, statement: str, **parameters: str | int) -> int:
        """Run a statement, and return the number of rows it inserted."""
        text = statement.format(from_=self._from, to=self._to)
        return self._connection.execute(text, {"depth": self._depth, **parameters}).rowcount

    def find_reachable(self, start: str) -> None:
        """Find the reachable nodes."""
        self.run(_START, start=start)
        self._run_steps(_FORWARD)

    def end_at(self, goals: str) -> None:
        """Keep only the walks that end at nodes that a query returns."""
        self.run(_PASSED)
        self.run(f"INSERT INTO rest SELECT number, 0 FROM ({goals})")
        self._run_steps(_BACKWARD)
        self.run(_ENDING_NODES)
        self.run(_ENDING_LINKS)

    def _run_steps(self, statement: str) -> None:
        for steps in range(1, self._depth + 1):
            if self.run(statement, steps=steps) == 0:
                return

    def result(self) -> Lineage:
        """Return the result, and clear the temporary tables."""
        execute = self._connection.execute
        links = [Link(*row) for row in execute(_LINKS)]
        # Without links, only the start itself may have been found.
        nodes = [Node(*row) for row in execute(_NODES)] if links else []
        self._clear()
        return Lineage(nodes, links)

    def _clear(self) -> None:
        for name in _TABLES:
            self._connection.execute(f"DELETE FROM {name}")
