from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from prov.model import ProvActivity, ProvAgent, ProvDocument, ProvEntity, ProvRecord

from prov_facade.models import AssociationInfo, ModelRunRecord
from prov_facade.sandbox._state.graph import Link, Node
from prov_facade.sandbox._state.provenance import prov_document
from prov_facade.sandbox._state.records import graph_of
from prov_facade.sandbox._state.seed import load
from prov_facade.sandbox._state.store import Store

RECORD = ModelRunRecord(
    workflow_template_id="10378.1/7",
    inputs=[],
    outputs=[],
    display_name='A run of "reefs" 🐠',
    description="Two\nlines.",
    associations=AssociationInfo("10378.1/5"),
    start_time=1_700_000_000,
    end_time=1_700_000_060,
)
RUN = "10378.1/1"
NODES = [
    Node(RUN, "ACTIVITY", "MODEL_RUN"),
    Node("10378.1/2", "ACTIVITY", "STUDY"),
    Node("10378.1/3", "ENTITY", "DATASET"),
    Node("10378.1/4", "ENTITY", "DATASET"),
    Node("10378.1/5", "AGENT", "PERSON"),
    Node("10378.1/6", "AGENT", "ORGANISATION"),
    Node("10378.1/7", "ENTITY", "WORKFLOW_TEMPLATE"),
    Node("10378.1/8", "ENTITY", "DATASET_TEMPLATE"),
]
LINKS = [
    Link(RUN, "wasInformedBy", "10378.1/2"),
    Link(RUN, "used", "10378.1/3"),
    Link(RUN, "used", "10378.1/7"),
    Link("10378.1/4", "wasGeneratedBy", RUN),
    Link(RUN, "wasAssociatedWith", "10378.1/5"),
    Link(RUN, "wasAssociatedWith", "10378.1/6"),
    Link("10378.1/4", "wasAttributedTo", "10378.1/5"),
    Link("10378.1/7", "hadMember", "10378.1/8"),
    Link("10378.1/3", "wasInfluencedBy", "10378.1/8"),
]

# The relations by their names in PROV-N, source first as in the graph.
RELATIONS = {
    "Usage": "used",
    "Generation": "wasGeneratedBy",
    "Association": "wasAssociatedWith",
    "Attribution": "wasAttributedTo",
    "Communication": "wasInformedBy",
    "Influence": "wasInfluencedBy",
    "Membership": "hadMember",
}


def read(text: str) -> ProvDocument:
    found: Any = ProvDocument.deserialize(content=text, format="json")
    assert isinstance(found, ProvDocument)
    return found


def handle(name: Any) -> str:
    uri: str = name.uri
    assert uri.startswith("https://hdl.handle.net/")
    return uri.removeprefix("https://hdl.handle.net/")


def relations(document: ProvDocument) -> list[Link]:
    found = []
    for record in document.get_records():
        if record.is_relation():
            ends = [value for _, value in record.formal_attributes if value is not None]
            source, target = map(handle, ends)
            found.append(Link(source, RELATIONS[record.get_type().localpart], target))
    return found


def one(document: ProvDocument, node_id: str) -> ProvRecord:
    (record,) = [
        record
        for record in document.get_records()
        if record.is_element() and handle(record.identifier) == node_id
    ]
    return record


def types(document: ProvDocument, node_id: str) -> set[str]:
    return {name.uri for name in one(document, node_id).get_attribute("prov:type")}


def test_relations_have_the_right_source_and_target() -> None:
    document = read(prov_document(RUN, RECORD, LINKS, NODES))
    assert sorted(map(repr, relations(document))) == sorted(map(repr, LINKS))


def test_nodes_have_the_right_types() -> None:
    document = read(prov_document(RUN, RECORD, LINKS, NODES))
    found = {
        kind: {handle(record.identifier) for record in document.get_records(kind)}
        for kind in (ProvActivity, ProvAgent, ProvEntity)
    }
    assert found == {
        ProvActivity: {RUN, "10378.1/2"},
        ProvAgent: {"10378.1/5", "10378.1/6"},
        ProvEntity: {"10378.1/3", "10378.1/4", "10378.1/7", "10378.1/8"},
    }
    prov = "http://www.w3.org/ns/prov#"
    assert types(document, "10378.1/3") == {"urn:provena:DATASET"}
    assert types(document, "10378.1/5") == {"urn:provena:PERSON", f"{prov}Person"}
    assert types(document, "10378.1/6") == {"urn:provena:ORGANISATION", f"{prov}Organization"}
    assert types(document, "10378.1/7") == {"urn:provena:WORKFLOW_TEMPLATE", f"{prov}Collection"}


def test_the_run_has_times_name_and_description() -> None:
    document = read(prov_document(RUN, RECORD, LINKS, NODES))
    run = one(document, RUN)
    assert isinstance(run, ProvActivity)
    assert run.get_startTime() == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert run.get_endTime() == datetime(2023, 11, 14, 22, 14, 20, tzinfo=UTC)
    assert run.label == RECORD.display_name
    assert run.get_attribute("dcterms:description") == {RECORD.description}
    study = one(document, "10378.1/2")
    assert isinstance(study, ProvActivity)
    assert study.get_startTime() is None
    assert not study.get_attribute("dcterms:description")


def test_the_run_is_included_without_nodes_and_links() -> None:
    document = read(prov_document(RUN, RECORD, [], []))
    (record,) = document.get_records()
    assert handle(record.identifier) == RUN
    assert list(json.loads(prov_document(RUN, RECORD, [], []))) == ["prefix", "activity"]


@pytest.mark.parametrize("seconds", [10**12, -(10**12), 10**30])
def test_times_without_a_date_are_omitted(seconds: int) -> None:
    record = ModelRunRecord.from_dict(RECORD.to_dict())
    record.start_time = record.end_time = seconds
    run = one(read(prov_document(RUN, record, LINKS, NODES)), RUN)
    assert isinstance(run, ProvActivity)
    assert run.get_startTime() is run.get_endTime() is None


def test_times_before_1970_have_dates() -> None:
    record = ModelRunRecord.from_dict(RECORD.to_dict())
    record.start_time = -1
    run = one(read(prov_document(RUN, record, LINKS, NODES)), RUN)
    assert isinstance(run, ProvActivity)
    assert run.get_startTime() == datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("odd", ["10378.1/a:b", "plain", "10378.1/ö(1),x;y='z'", "a/b/c?d=e#f"])
def test_unusual_handles_are_preserved(odd: str) -> None:
    nodes = [Node(odd, "ENTITY", "DATASET")]
    document = read(prov_document(RUN, RECORD, [Link(RUN, "used", odd)], nodes))
    assert relations(document) == [Link(RUN, "used", odd)]
    assert isinstance(one(document, odd), ProvEntity)


def test_order_and_duplicates_do_not_change_the_document() -> None:
    text = prov_document(RUN, RECORD, LINKS, NODES)
    order = random.Random(1)  # noqa: S311 -- the same order in each test run
    for _ in range(5):
        links, nodes = [*LINKS, *LINKS[:3]], [*NODES, *NODES[2:4]]
        order.shuffle(links)
        order.shuffle(nodes)
        assert prov_document(RUN, RECORD, iter(links), iter(nodes)) == text


def test_nodes_are_ordered_by_id() -> None:
    nodes = [Node(f"10378.1/{number}", "ENTITY", "DATASET") for number in range(100, 200)]
    text = prov_document(RUN, RECORD, [], reversed(nodes))
    assert list(json.loads(text)["entity"]) == [f"handle:{node.id}" for node in nodes]


def test_unknown_relations_are_rejected() -> None:
    with pytest.raises(KeyError, match="wasNearTo"):
        prov_document(RUN, RECORD, [Link(RUN, "wasNearTo", "10378.1/3")], NODES)


def test_every_run_of_the_seed_can_be_parsed() -> None:
    seed = load(None)
    with Store() as store:
        store.put_items(seed.items)
        for run in seed.model_runs:
            nodes, links = graph_of(store, run.id, run.record)
            document = read(prov_document(run.id, run.record, links, nodes))
            assert sorted(map(repr, relations(document))) == sorted(map(repr, links))
            elements = [record for record in document.get_records() if record.is_element()]
            assert {handle(element.identifier) for element in elements} == {
                node.id for node in nodes
            }
