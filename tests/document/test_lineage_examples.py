"""The examples of lineage graphs: their shape, and the server's rules for them."""

from __future__ import annotations

from typing import Any

import pytest
from api_document import Node, example_value, operations, validator

EXPLORERS = {
    "explore_upstream": ("source", "target"),
    "explore_downstream": ("target", "source"),
    "get_contributing_datasets": ("source", "target"),
    "get_effected_datasets": ("target", "source"),
    "get_contributing_agents": ("source", "target"),
    "get_effected_agents": None,  # downstream first, and upstream at the end
}

# The links that registering a model run creates.
RELATIONS = {
    ("MODEL_RUN", "wasInformedBy", "STUDY"),
    ("MODEL_RUN", "used", "DATASET"),
    ("DATASET", "wasGeneratedBy", "MODEL_RUN"),
    ("MODEL_RUN", "used", "MODEL"),
    ("MODEL_RUN", "used", "WORKFLOW_TEMPLATE"),
    ("MODEL_RUN", "wasAssociatedWith", "PERSON"),
    ("MODEL_RUN", "wasAssociatedWith", "ORGANISATION"),
    ("DATASET", "wasAttributedTo", "PERSON"),
    ("WORKFLOW_TEMPLATE", "hadMember", "DATASET_TEMPLATE"),
    ("DATASET", "wasInfluencedBy", "DATASET_TEMPLATE"),
    ("WORKFLOW_TEMPLATE", "hadMember", "MODEL"),
}
CATEGORIES = {
    **dict.fromkeys(["MODEL_RUN", "STUDY"], "ACTIVITY"),
    **dict.fromkeys(["PERSON", "ORGANISATION"], "AGENT"),
    **dict.fromkeys(["DATASET", "DATASET_TEMPLATE", "MODEL", "WORKFLOW_TEMPLATE"], "ENTITY"),
}

GRAPH = {"$ref": "#/components/schemas/LineageGraph"}
RESPONSE = {"$ref": "#/components/schemas/LineageResponse"}


def responses(operation_id: str) -> list[Node]:
    content = operations()[operation_id].responses["200"]["content"]["application/json"]
    return [example_value(example) for example in content["examples"].values()]


def graphs(operation_id: str) -> list[Node]:
    found = [
        response["graph"] for response in responses(operation_id) if response["graph"] is not None
    ]
    assert found
    return found


EVERY = pytest.mark.parametrize("operation_id", EXPLORERS)


def test_every_lineage_operation_is_covered() -> None:
    assert EXPLORERS.keys() == {
        operation_id
        for operation_id, operation in operations().items()
        if operation.responses["200"]["content"].get("application/json", {}).get("schema")
        == RESPONSE
    }


@EVERY
def test_a_lineage_example_is_a_graph(operation_id: str) -> None:
    for graph in graphs(operation_id):
        validator(GRAPH).validate(graph)
        assert graph["directed"] is True
        assert graph["multigraph"] is False


@EVERY
def test_record_count_is_the_number_of_nodes(operation_id: str) -> None:
    for response in responses(operation_id):
        if response["graph"] is None:
            assert response["record_count"] is None
            assert response["status"]["success"] is False
        else:
            ids = [node["id"] for node in response["graph"]["nodes"]]
            assert len(ids) == len(set(ids)) == response["record_count"]


@EVERY
def test_links_follow_the_rules_of_the_server(operation_id: str) -> None:
    for graph in graphs(operation_id):
        kinds = {node["id"]: node["item_subtype"] for node in graph["nodes"]}
        ends = [(link["source"], link["target"]) for link in graph["links"]]
        assert len(ends) == len(set(ends))
        assert {
            (kinds[link["source"]], link["type"], kinds[link["target"]]) for link in graph["links"]
        } <= RELATIONS
        for node in graph["nodes"]:
            assert node["item_category"] == CATEGORIES[node["item_subtype"]]


@EVERY
def test_all_items_are_reachable_from_one(operation_id: str) -> None:
    direction = EXPLORERS[operation_id]
    for graph in graphs(operation_id):
        ends = direction or ("source", "target")
        steps = [(link[ends[0]], link[ends[1]]) for link in graph["links"]]
        if direction is None:
            steps += [(to, start) for start, to in steps]
        ids = {node["id"] for node in graph["nodes"]}
        assert any(reached(start, steps) == ids for start in ids)


def reached(start: str, steps: list[tuple[str, str]]) -> set[Any]:
    found = {start}
    while more := {to for origin, to in steps if origin in found} - found:
        found |= more
    return found


@pytest.mark.parametrize(
    ("operation_id", "field", "kind"),
    [
        ("get_contributing_datasets", "item_subtype", "DATASET"),
        ("get_effected_datasets", "item_subtype", "DATASET"),
        ("get_contributing_agents", "item_category", "AGENT"),
        ("get_effected_agents", "item_category", "AGENT"),
    ],
)
def test_special_searches_find_their_kind_of_item(operation_id: str, field: str, kind: str) -> None:
    for graph in graphs(operation_id):
        assert kind in {node[field] for node in graph["nodes"]}
