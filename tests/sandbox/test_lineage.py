"""Lineage queries give the same results as networkx, on random graphs."""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prov_facade.sandbox._state.graph import Link, Node, add
from prov_facade.sandbox._state.lineage import Direction, Goal, Lineage, effected_agents, explore
from prov_facade.sandbox._state.store import Store

KINDS = {
    "d": ("ENTITY", "DATASET"),
    "m": ("ENTITY", "MODEL"),
    "a": ("AGENT", "PERSON"),
    "r": ("ACTIVITY", "MODEL_RUN"),
}
Found = tuple[set[str], set[tuple[str, str]]]

names = st.builds("{}{}".format, st.sampled_from("dmar"), st.integers(0, 3))
edges = st.lists(st.tuples(names, names), max_size=25)


def store_of(graph: nx.DiGraph[str]) -> Store:
    store = Store()
    nodes = [Node(name, *KINDS[name[0]]) for name in graph]
    add(store, "record", nodes, [Link(source, "used", target) for source, target in graph.edges])
    return store


def walks(graph: nx.DiGraph[str], start: str, depth: int, ends: Callable[[str], bool]) -> Found:
    """Nodes and links on walks of at least one link that end at an accepted node."""
    if start not in graph:
        return set(), set()
    to = nx.single_source_shortest_path_length(graph, start, cutoff=depth)
    rest: dict[str, int] = {}
    for goal in filter(ends, to):
        lengths = nx.single_source_shortest_path_length(graph.reverse(), goal, cutoff=depth)
        for name, steps in lengths.items():
            rest[name] = min(steps, rest.get(name, steps))
    nodes = {name for name in to if name in rest and to[name] + rest[name] <= depth}
    links = {
        (u, v) for u, v in graph.edges if u in to and v in rest and to[u] + 1 + rest[v] <= depth
    }
    return (nodes if links else set()), links


def found(lineage: Lineage) -> Found:
    return (
        {node.id for node in lineage.nodes},
        {(link.source, link.target) for link in lineage.links},
    )


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("goal", Goal)
@given(edges=edges, start=names, depth=st.integers(0, 6))
@settings(deadline=None, derandomize=True, max_examples=25)
def test_walks_agree_with_networkx(
    direction: Direction, goal: Goal, edges: list[tuple[str, str]], start: str, depth: int
) -> None:
    graph: nx.DiGraph[str] = nx.DiGraph(edges)
    ends = {
        Goal.ANYWHERE: lambda _: True,
        Goal.DATASET: lambda name: name.startswith("d"),
        Goal.AGENT: lambda name: name.startswith("a"),
    }[goal]
    with store_of(graph) as store:
        lineage = explore(store, start, depth, direction, goal)
    down = direction is Direction.DOWNSTREAM
    nodes, links = walks(graph.reverse() if down else graph, start, depth, ends)
    assert found(lineage) == (nodes, {(v, u) for u, v in links} if down else links)


@given(edges=edges, start=names, depth=st.integers(0, 6))
@settings(deadline=None, derandomize=True, max_examples=25)
def test_effected_agents_agree_with_networkx(
    edges: list[tuple[str, str]], start: str, depth: int
) -> None:
    graph: nx.DiGraph[str] = nx.DiGraph(edges)
    with store_of(graph) as store:
        lineage = effected_agents(store, start, depth)
    backwards = graph.reverse()
    near = (
        nx.single_source_shortest_path_length(backwards, start, cutoff=depth)
        if start in graph
        else {}
    )
    agent_links = {(u, v) for u, v in graph.edges if u in near and v.startswith("a")}
    sources = {u for u, _ in agent_links}
    nodes, links = walks(backwards, start, depth, lambda name: name in sources)
    ends = {end for pair in agent_links for end in pair}
    assert found(lineage) == (nodes | ends, {(v, u) for u, v in links} | agent_links)


def test_links_keep_their_relation_and_nodes_their_type() -> None:
    with Store() as store:
        add(
            store,
            "r1",
            [Node("r1", "ACTIVITY", "MODEL_RUN"), Node("d1", "ENTITY", "DATASET")],
            [Link("r1", "used", "d1")],
        )
        lineage = explore(store, "r1", 1, Direction.UPSTREAM)
    assert lineage.nodes == [
        Node("d1", "ENTITY", "DATASET"),
        Node("r1", "ACTIVITY", "MODEL_RUN"),
    ]
    assert lineage.links == [Link("r1", "used", "d1")]


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("goal", Goal)
@pytest.mark.parametrize("start", ["d1", "a1", "r1", "nowhere"])
def test_a_start_without_paths_has_an_empty_lineage(
    start: str, goal: Goal, direction: Direction
) -> None:
    with Store() as store:
        nodes = [Node(name, *KINDS[name[0]]) for name in ("d1", "a1", "r1")]
        add(store, "record", nodes, [])
        assert explore(store, start, 5, direction, goal) == Lineage([], [])
        assert effected_agents(store, start, 5) == Lineage([], [])
