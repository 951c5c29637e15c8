"""Walks the lineage graph with recursive SQL.

A walk starts at one node and follows links for at most ``depth`` steps. SQLite finds, for each node
in reach, the fewest steps to it; a link is part of the answer if a walk over it ends soon enough.
Only what is in reach is ever touched, however large the graph is.
"""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from prov_facade.sandbox._store import Link, Node, Store


class Direction(Enum):
    """Which way links are followed; the value is the ends from which and to which."""

    UPSTREAM = ("source", "target")
    DOWNSTREAM = ("target", "source")


class Goal(Enum):
    """Where a walk must end; the value is the condition on the node."""

    ANYWHERE = "1"
    DATASET = "category = 'ENTITY' AND subtype = 'DATASET'"
    AGENT = "category = 'AGENT'"


@frozen
class Lineage:
    """A part of the graph, its nodes and links sorted."""

    nodes: list[Node]
    links: list[Link]


# The fewest steps to each node in reach, and the links that were followed. UNION drops what was
# found before at the same distance.
_REACHED = """
reached (number, steps) AS (
    SELECT number, 0 FROM node WHERE id = :start
    UNION
    SELECT link.{to}, reached.steps + 1 FROM reached
    JOIN link ON link.{from_} = reached.number
    WHERE reached.steps < :depth
),
nearest (number, steps) AS MATERIALIZED (
    SELECT number, min(steps) FROM reached GROUP BY number
),
passed (number, steps, next) AS MATERIALIZED (
    SELECT nearest.number, nearest.steps, link.{to} FROM nearest
    JOIN link ON link.{from_} = nearest.number
    WHERE nearest.steps < :depth
),
"""

# The fewest further steps from a node to the goal, as far as the depth allows. Only links that were
# followed lead back: a person may have a million others.
_ENDING = """
ending (number, steps) AS (
    SELECT number, 0 FROM nearest JOIN node USING (number) WHERE {goal}
    UNION
    SELECT passed.number, ending.steps + 1 FROM ending
    JOIN passed ON passed.next = ending.number
    WHERE passed.steps + 1 + ending.steps <= :depth
),
rest (number, steps) AS MATERIALIZED (
    SELECT number, min(steps) FROM ending GROUP BY number
),
kept_link ({from_}, {to}) AS (
    SELECT passed.number, passed.next FROM passed
    JOIN rest ON rest.number = passed.next
    WHERE passed.steps + 1 + rest.steps <= :depth
),
kept_node (number) AS (
    SELECT nearest.number FROM nearest JOIN rest USING (number)
    WHERE nearest.steps + rest.steps <= :depth
)
"""

# Where walks end that take one more step, upstream to an agent, and that step.
_POINTING = """
pointing (source, target) AS MATERIALIZED (
    SELECT link.source, link.target FROM nearest
    JOIN link ON link.source = nearest.number
    JOIN node ON node.number = link.target AND node.category = 'AGENT'
),
"""
_POINTS = "number IN (SELECT source FROM pointing)"
_WITH_POINTING = """,
all_link (source, target) AS (
    SELECT source, target FROM kept_link UNION SELECT source, target FROM pointing
),
all_node (number) AS (
    SELECT number FROM kept_node UNION SELECT target FROM pointing
)
"""

_NODES = """
SELECT id, category, subtype FROM {nodes} JOIN node USING (number) ORDER BY id
"""
_LINKS = """
SELECT s.id, link.relation, t.id FROM {links}
JOIN link USING (source, target)
JOIN node AS s ON s.number = link.source
JOIN node AS t ON t.number = link.target
ORDER BY s.id, t.id
"""


def explore(
    store: Store, start: str, depth: int, direction: Direction, goal: Goal = Goal.ANYWHERE
) -> Lineage:
    """Follow links from a node.

    Args:
        store: The graph.
        start: The id of the node.
        depth: How many links to follow at most.
        direction: Upstream, from source to target, or downstream.
        goal: Where a walk must end to be kept. Its inner nodes are kept with it.

    Returns:
        The nodes and links of all walks. The start is a walk of no steps. Nothing if there is no
        such node, or if no walk ends at the goal.
    """
    from_, to = direction.value
    walks = (_REACHED + _ENDING).format(from_=from_, to=to, goal=goal.value)
    return _lineage(store, walks, "kept_node", "kept_link", start=start, depth=depth)


def effected_agents(store: Store, start: str, depth: int) -> Lineage:
    """Find the agents that the nodes downstream of a node point to.

    Args:
        store: The graph.
        start: The id of the node.
        depth: How many links to follow downstream at most; the link to the agent is not counted.

    Returns:
        The walks from the start to nodes that point to an agent, with these links and agents.
    """
    from_, to = Direction.DOWNSTREAM.value
    walks = (_REACHED + _POINTING + _ENDING).format(from_=from_, to=to, goal=_POINTS)
    return _lineage(store, walks + _WITH_POINTING, "all_node", "all_link", start=start, depth=depth)


def _lineage(
    store: Store, walks: str, nodes: str, links: str, *, start: str, depth: int
) -> Lineage:
    parameters = {"start": start, "depth": depth}
    select_nodes = f"WITH RECURSIVE {walks} {_NODES.format(nodes=nodes)}"
    select_links = f"WITH RECURSIVE {walks} {_LINKS.format(links=links)}"
    return Lineage(
        nodes=[Node(*row) for row in store.query(select_nodes, parameters)],
        links=[Link(*row) for row in store.query(select_links, parameters)],
    )
