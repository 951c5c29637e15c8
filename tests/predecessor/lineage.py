"""The expected results of lineage queries, from the records of the model runs."""

from __future__ import annotations

from typing import Any

import pytest

from prov_facade.sandbox import Sandbox
from prov_facade.sandbox._state.store import Item

Links = set[tuple[str, str, str]]


class Expected:
    """The items one step away from a model run with a study and a requesting organisation."""

    def __init__(self, sandbox: Sandbox, run: Item) -> None:
        self.run = run.id
        record = run.body["record"]
        self.inputs = {used["dataset_id"] for used in record["inputs"]}
        self.outputs = {made["dataset_id"] for made in record["outputs"]}
        associations = record["associations"]
        self.agents = {associations["modeller_id"], associations["requesting_organisation_id"]}
        template = record["workflow_template_id"]
        (software,) = (i.body["software_id"] for i in sandbox.items() if i.id == template)
        used = {*self.inputs, template, software}
        self.upstream: Links = {
            *((self.run, "used", target) for target in used),
            *((self.run, "wasAssociatedWith", agent) for agent in self.agents),
            (self.run, "wasInformedBy", record["study_id"]),
        }
        self.downstream: Links = {(output, "wasGeneratedBy", self.run) for output in self.outputs}


def links_of(graph: Any) -> Links:
    """Return the links of a graph from the lower layer, which is JSON."""
    return {(link["source"], link["type"], link["target"]) for link in graph["links"]}


def ids_of(graph: Any) -> set[str]:
    """Return the ids of the nodes of such a graph."""
    return {node["id"] for node in graph["nodes"]}


EXPLORERS = pytest.mark.parametrize(
    ("explorer", "found"),
    [
        (lambda prov: prov.explore_upstream, lambda expected: expected.upstream),
        (lambda prov: prov.explore_downstream, lambda expected: expected.downstream),
        (
            lambda prov: prov.get_contributing_datasets,
            lambda expected: {(expected.run, "used", data) for data in expected.inputs},
        ),
        (lambda prov: prov.get_effected_datasets, lambda expected: expected.downstream),
        (
            lambda prov: prov.get_contributing_agents,
            lambda expected: {(expected.run, "wasAssociatedWith", a) for a in expected.agents},
        ),
    ],
)
