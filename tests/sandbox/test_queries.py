"""The six lineage queries over HTTP: their directions, goals and default depths.

``test_lineage`` compares the results on random graphs with networkx.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import networkx as nx
import pytest
from sandbox import http

from prov_facade.sandbox import Sandbox
from prov_facade.sandbox._state.lineage import Direction, Goal, effected_agents, explore

MIDDLE = "10378.1/1955024"  # a dataset with runs on both sides
QUERIES = {
    "/explore/upstream": (2, Direction.UPSTREAM, Goal.ANYWHERE),
    "/explore/downstream": (2, Direction.DOWNSTREAM, Goal.ANYWHERE),
    "/explore/special/contributing_datasets": (4, Direction.UPSTREAM, Goal.DATASET),
    "/explore/special/effected_datasets": (4, Direction.DOWNSTREAM, Goal.DATASET),
    "/explore/special/contributing_agents": (4, Direction.UPSTREAM, Goal.AGENT),
    "/explore/special/effected_agents": (4, Direction.DOWNSTREAM, None),
}


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def graph_of(sandbox: Sandbox, path: str, **query: Any) -> nx.DiGraph[str]:
    headers = {"Authorization": f"Bearer {sandbox.token('read')}"}
    response = http.get(f"{sandbox.url}{path}", params=query, headers=headers)
    body = response.raise_for_status().json()
    assert body["status"]["success"] is True
    assert body["record_count"] == len(body["graph"]["nodes"])
    graph = nx.node_link_graph(body["graph"], edges="links")
    assert isinstance(graph, nx.DiGraph)
    return graph


@pytest.mark.parametrize("path", QUERIES)
@pytest.mark.parametrize("depth", [None, 0, 1, 3, 10])
def test_queries_follow_their_direction_and_depth(
    path: str, depth: int | None, shared: Sandbox
) -> None:
    default, direction, goal = QUERIES[path]
    query = {"starting_id": MIDDLE} | ({} if depth is None else {"depth": depth})
    graph = graph_of(shared, path, **query)

    steps = depth or default  # like the server, treat 0 as unset
    if goal is None:
        expected = effected_agents(shared._started.store, MIDDLE, steps)
    else:
        expected = explore(shared._started.store, MIDDLE, steps, direction, goal)
    assert set(graph.nodes) == {node.id for node in expected.nodes}
    links = {(link.source, link.target, link.relation) for link in expected.links}
    assert set(graph.edges(data="type")) == links


def test_queries_on_the_seed(shared: Sandbox) -> None:
    """Expected results, written by hand, that distinguish the queries."""
    found = {path: graph_of(shared, path, starting_id=MIDDLE, depth=4) for path in QUERIES}
    subtypes = {
        path: {graph.nodes[node]["item_subtype"] for node in graph} for path, graph in found.items()
    }
    weather, outlook = "10378.1/1955019", "10378.1/1955029"
    assert weather in found["/explore/upstream"]
    assert outlook not in found["/explore/upstream"]
    assert outlook in found["/explore/downstream"]
    assert weather not in found["/explore/downstream"]
    for way in ("contributing", "effected"):
        datasets = found[f"/explore/special/{way}_datasets"]
        # Intermediate nodes are included; walks that reach no dataset are not.
        assert subtypes[f"/explore/special/{way}_datasets"] == {"DATASET", "MODEL_RUN"}
        assert (weather if way == "contributing" else outlook) in datasets
        assert "PERSON" in subtypes[f"/explore/special/{way}_agents"]
        assert "DATASET_TEMPLATE" not in subtypes[f"/explore/special/{way}_agents"]
