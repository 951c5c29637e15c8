"""The links of a lineage graph have one name, whatever the server calls them."""

from __future__ import annotations

from typing import Any

import networkx as nx
import pytest
from clients import every_transport, run, sandbox_client
from sample_calls import STATUS
from scripted_server import Server, json_reply

from prov_facade import ProvClient, models
from prov_facade.sandbox import Sandbox

EXPLORERS = (
    "explore_upstream",
    "explore_downstream",
    "get_contributing_datasets",
    "get_effected_datasets",
    "get_contributing_agents",
    "get_effected_agents",
)
NODES = [{"id": "1", "item_category": "ACTIVITY", "item_subtype": "MODEL_RUN"}]
LINKS = [{"source": "1", "target": "2", "type": "used"}]


def explore(client: ProvClient, name: str) -> models.LineageResponse:
    lineage: models.LineageResponse = run(getattr(client, name)("1"))
    return lineage


@pytest.mark.parametrize("name", EXPLORERS)
@pytest.mark.parametrize("key", ["links", "edges"])
@every_transport
def test_links_are_under_links(name: str, key: str, server: Server, client: ProvClient) -> None:
    graph = {"directed": True, "nodes": NODES, key: LINKS}
    server.response = json_reply({"status": STATUS, "record_count": 1, "graph": graph})
    lineage = explore(client, name)
    assert lineage.graph == {"directed": True, "nodes": NODES, "links": LINKS}


@pytest.mark.parametrize(
    "graph",
    [
        None,
        {},
        {"links": LINKS, "edges": [7]},  # with both names, nothing is known about the other
        {"nodes": NODES},
        {"graph": {"edges": LINKS}, "links": []},
    ],
    ids=str,
)
def test_other_graphs_are_returned_as_they_are(
    graph: Any, server: Server, client: ProvClient
) -> None:
    server.response = json_reply({"status": STATUS, "graph": graph})
    assert explore(client, "explore_upstream").graph == graph


def test_a_graph_without_links_has_an_empty_list(server: Server, client: ProvClient) -> None:
    server.response = json_reply({"status": STATUS, "graph": {"nodes": [], "edges": []}})
    assert explore(client, "explore_upstream").graph == {"nodes": [], "links": []}


@pytest.mark.usefixtures("client_kind")
def test_both_kinds_of_server_give_the_same_graph() -> None:
    graphs: list[Any] = []
    for key in ("links", "edges"):
        with Sandbox(links_key=key) as sandbox:
            client = sandbox_client(sandbox, "read")
            run_id = sandbox.items("MODEL_RUN")[0].id
            graphs.append(run(client.explore_upstream(run_id, depth=2)).graph)
    links, edges = graphs
    assert links == edges
    assert nx.node_link_graph(edges, edges="links").number_of_edges() > 0
