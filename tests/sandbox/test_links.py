"""A model run has exactly the expected links."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sandbox.caller import Caller, run_of

from prov_facade.sandbox import Sandbox

SEED = """
items:
  - {id: t/ann, item_subtype: PERSON, display_name: Ann, email: ann@example.org}
  - {id: t/bob, item_subtype: PERSON, display_name: Bob, email: bob@example.org}
  - {id: t/reefs, item_subtype: ORGANISATION, display_name: Reefs}
  - {id: t/study, item_subtype: STUDY, display_name: Study, description: All of it.}
  - {id: t/model, item_subtype: MODEL, display_name: Model, version: "1",
     documentation_url: https://example.org/model}
  - {id: t/wind-form, item_subtype: DATASET_TEMPLATE, display_name: Wind}
  - {id: t/depth-form, item_subtype: DATASET_TEMPLATE, display_name: Depth}
  - {id: t/tide-form, item_subtype: DATASET_TEMPLATE, display_name: Tide, deferred_resources:
     [{key: file, description: A file.}]}
  - {id: t/flow-form, item_subtype: DATASET_TEMPLATE, display_name: Flow}
  - {id: t/heat-form, item_subtype: DATASET_TEMPLATE, display_name: Heat}
  - {id: t/wind, item_subtype: DATASET, display_name: Wind, description: Of 2024.}
  - {id: t/depth, item_subtype: DATASET, display_name: Depth, description: Of the sea.}
  - {id: t/flow, item_subtype: DATASET, display_name: Flow, description: Of the sea.}
  - {id: t/heat, item_subtype: DATASET, display_name: Heat, description: Of the sea.}
  - id: t/workflow
    item_subtype: WORKFLOW_TEMPLATE
    display_name: A run of the model
    software_id: t/model
    input_templates:
      - {template_id: t/wind-form}
      - {template_id: t/depth-form}
      - {template_id: t/tide-form, optional: true}
    output_templates: [{template_id: t/flow-form}, {template_id: t/heat-form}]
"""
RECORD: dict[str, Any] = {
    "workflow_template_id": "t/workflow",
    "display_name": "A run",
    "description": "With everything.",
    "study_id": "t/study",
    "associations": {"modeller_id": "t/ann", "requesting_organisation_id": "t/reefs"},
    "inputs": [
        {"dataset_template_id": f"t/{name}-form", "dataset_id": f"t/{name}"}
        | {"dataset_type": "DATA_STORE"}
        for name in ("wind", "depth")
    ],
    "outputs": [
        {"dataset_template_id": f"t/{name}-form", "dataset_id": f"t/{name}"}
        | {"dataset_type": "DATA_STORE"}
        for name in ("flow", "heat")
    ],
    "start_time": 1_700_000_000,
    "end_time": 1_700_000_060,
}
Triple = tuple[str, str, str]
# All links of that run, which is called RUN here.
LINKS: set[Triple] = {
    ("RUN", "wasInformedBy", "t/study"),
    ("RUN", "used", "t/wind"),
    ("RUN", "used", "t/depth"),
    ("RUN", "used", "t/model"),
    ("RUN", "used", "t/workflow"),
    ("RUN", "wasAssociatedWith", "t/ann"),
    ("RUN", "wasAssociatedWith", "t/reefs"),
    ("t/flow", "wasGeneratedBy", "RUN"),
    ("t/heat", "wasGeneratedBy", "RUN"),
    ("t/flow", "wasAttributedTo", "t/ann"),
    ("t/heat", "wasAttributedTo", "t/ann"),
    ("t/wind", "wasInfluencedBy", "t/wind-form"),
    ("t/depth", "wasInfluencedBy", "t/depth-form"),
    ("t/flow", "wasInfluencedBy", "t/flow-form"),
    ("t/heat", "wasInfluencedBy", "t/heat-form"),
    ("t/workflow", "hadMember", "t/wind-form"),
    ("t/workflow", "hadMember", "t/depth-form"),
    ("t/workflow", "hadMember", "t/flow-form"),
    ("t/workflow", "hadMember", "t/heat-form"),
    ("t/workflow", "hadMember", "t/model"),
}
EMPTY = {"directed": True, "multigraph": False, "graph": {}, "nodes": [], "links": []}
MINIMAL = {"study_id": None, "associations": {"modeller_id": "t/bob"}}
"""Changes that remove the study and the requesting organisation of a run."""


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[Caller]:
    """A caller of a sandbox without model runs."""
    path = tmp_path / "seed.yaml"
    path.write_text(SEED, encoding="utf-8")
    with Sandbox(seed=path) as sandbox:
        yield Caller(sandbox, "ann")


def upstream(caller: Caller, start: str) -> dict[str, Any]:
    body = caller.get("/explore/upstream", starting_id=start, depth=10).raise_for_status().json()
    found: dict[str, Any] = body["graph"]
    return found


def deletion_diff(caller: Caller, run: str) -> list[Any]:
    """The changes that deleting a run would make: all of its nodes and links."""
    body = caller.post("/model_run/delete", {"record_id": run, "trial_mode": True}).json()
    diff: list[Any] = body["diff"]
    return diff


def all_links(caller: Caller, run: str) -> set[Triple]:
    """The links of a sandbox with a single run. All can be reached from its outputs."""
    found = [link for start in ("t/flow", "t/heat") for link in upstream(caller, start)["links"]]
    ends = [(link["source"], link["type"], link["target"]) for link in found]
    return {(s.replace(run, "RUN"), r, t.replace(run, "RUN")) for s, r, t in ends}


def test_a_run_has_all_links(caller: Caller) -> None:
    run = caller.register(RECORD)
    assert all_links(caller, run) == LINKS
    nodes = [node for start in ("t/flow", "t/heat") for node in upstream(caller, start)["nodes"]]
    kinds = {node["id"]: (node["item_category"], node["item_subtype"]) for node in nodes}
    # The run has no tides, so that their template does not appear either.
    items = [item for item in caller.sandbox.items() if item.id not in ("t/bob", "t/tide-form")]
    assert kinds == {item.id: (item.item_category, item.item_subtype) for item in items}


def test_a_minimal_run_has_fewer_links(caller: Caller) -> None:
    run = caller.register(RECORD | MINIMAL)
    missing = {link for link in LINKS if {"t/study", "t/reefs"} & {*link}}
    expected = {tuple(end.replace("t/ann", "t/bob") for end in link) for link in LINKS - missing}
    assert all_links(caller, run) == expected


def test_a_study_linked_later_has_the_same_links(caller: Caller) -> None:
    run = caller.register({**RECORD, "study_id": None})
    assert all_links(caller, run) == LINKS - {("RUN", "wasInformedBy", "t/study")}
    path = "/model_run/edit/link_to_study"
    caller.wait_for_job(caller.start_job(path, model_run_id=run, study_id="t/study"))
    assert all_links(caller, run) == LINKS


def test_an_updated_run_has_only_the_links_of_its_new_record(caller: Caller) -> None:
    run = caller.register(RECORD | MINIMAL)
    before = all_links(caller, run)
    update = {"model_run_id": run, "reason": "All of it was wrong.", "record": RECORD}
    for record, links in ((RECORD, LINKS), (RECORD | MINIMAL, before)):
        caller.wait_for_job(caller.start_job("/model_run/update", {**update, "record": record}))
        assert all_links(caller, run) == links


def test_a_run_stored_again_has_only_the_links_of_its_new_record(caller: Caller) -> None:
    run = caller.register(RECORD | MINIMAL)
    item = run_of(caller.sandbox, run)
    stored = {
        **item.body,
        "id": run,
        "display_name": item.display_name,
        "owner_username": "bob",
        "created_timestamp": 1_600_000_000,
        "updated_timestamp": 1_600_000_001,
        "user_metadata": {"ship": "Beagle"},
        "record": RECORD,
    }
    assert caller.post("/admin/store_record", stored).json()["status"]["success"]
    assert all_links(caller, run) == LINKS
    again = run_of(caller.sandbox, run)
    assert (again.owner_username, again.created_timestamp) == ("bob", 1_600_000_000)
    assert again.body["user_metadata"] == {"ship": "Beagle"}


def test_a_cleared_graph_can_be_restored(caller: Caller) -> None:
    """Nothing of the old graph may remain, since new nodes reuse the numbers of old ones."""
    runs = [caller.register(RECORD) for _ in range(3)]
    caller.delete("/graph/admin/clear")
    last = caller.register(RECORD | MINIMAL)
    diff = caller.post("/model_run/delete", {"record_id": last}).json()["diff"]
    assert {change["action_type"] for change in diff} == {"REMOVE_LINK", "REMOVE_NODE"}
    assert upstream(caller, "t/flow") == EMPTY
    assert [deletion_diff(caller, run) for run in runs] == [[]] * 3
