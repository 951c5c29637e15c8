"""Checks model run records, and derives nodes and links from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prov_facade.models import ModelRunRecord, TemplatedDataset
from prov_facade.sandbox._state.graph import Link, Node
from prov_facade.sandbox._state.store import Item, Store


class InvalidRecordError(Exception):
    """A record that cannot be registered. The message is the ``detail`` of a 400."""


def check_record(store: Store, record: ModelRunRecord) -> None:
    """Check that the items named by a record exist, and that it matches its workflow template.

    Raises:
        InvalidRecordError: If the record is not valid.
    """
    template = _expect(store, record.workflow_template_id, "WORKFLOW_TEMPLATE")
    inputs, outputs = template.body["input_templates"], template.body["output_templates"]
    _check_present("input", inputs, record.inputs)
    _check_present("output", outputs, record.outputs)
    # The server does not distinguish input templates from output templates here.
    known = {used["template_id"] for used in (*inputs, *outputs)}
    for dataset in (*record.inputs, *record.outputs):
        if dataset.dataset_template_id not in known:
            raise InvalidRecordError(
                f"The workflow template has no dataset template {dataset.dataset_template_id}."
            )
        _check_dataset(store, dataset)
    for key in template.body["annotations"]["required"]:
        if key not in (record.annotations or {}):
            raise InvalidRecordError(f"The required annotation '{key}' is missing.")
    if record.study_id is not None:
        _expect(store, record.study_id, "STUDY")
    _expect(store, record.associations.modeller_id, "PERSON")
    if record.associations.requesting_organisation_id is not None:
        _expect(store, record.associations.requesting_organisation_id, "ORGANISATION")


def _check_present(
    kind: str, templates: Sequence[Mapping[str, Any]], datasets: Iterable[TemplatedDataset]
) -> None:
    # A template can have several datasets.
    given = {dataset.dataset_template_id for dataset in datasets}
    for template in templates:
        if template["template_id"] not in given and not template.get("optional"):
            raise InvalidRecordError(
                f"The workflow template needs an {kind} for dataset template"
                f" {template['template_id']}."
            )


def _check_dataset(store: Store, dataset: TemplatedDataset) -> None:
    _expect(store, dataset.dataset_id, "DATASET")
    template = _expect(store, dataset.dataset_template_id, "DATASET_TEMPLATE")
    deferred = template.body.get("deferred_resources", ())
    known = {resource["key"] for resource in deferred}
    required = {resource["key"] for resource in deferred if not resource.get("optional")}
    given = set(dataset.resources or ())
    wrong = (required - given) | (given - known)
    if wrong:
        raise InvalidRecordError(
            f"The resources of dataset {dataset.dataset_id} do not match the deferred resources of"
            f" its template: {', '.join(sorted(wrong))}."
        )


def _expect(store: Store, item_id: str, subtype: str) -> Item:
    item = store.item(item_id)
    if item is None:
        raise InvalidRecordError(f"Could not find {subtype} with id {item_id}.")
    if item.item_subtype != subtype:
        raise InvalidRecordError(f"The subtype of {item_id} is {item.item_subtype}, not {subtype}.")
    return item


def graph_of(store: Store, record_id: str, record: ModelRunRecord) -> tuple[list[Node], list[Link]]:
    """Return the nodes and links of a model run.

    The items named by the record need not exist, except its workflow template.

    Returns:
        The nodes, each once, and the links, at most one between an ordered pair of nodes.

    Raises:
        InvalidRecordError: If the workflow template does not exist.
    """
    links = {(link.source, link.target): link for link in _links(store, record_id, record)}
    kinds = _kinds(record)
    nodes = [Node(record_id, "ACTIVITY", "MODEL_RUN")]
    for node_id in dict.fromkeys(end for pair in links for end in pair):
        if node_id != record_id:
            item = store.item(node_id)
            kind = kinds[node_id] if item is None else (item.item_category, item.item_subtype)
            nodes.append(Node(node_id, *kind))
    return nodes, list(links.values())


def _kinds(record: ModelRunRecord) -> dict[str | None, tuple[str, str]]:
    """Return the category and subtype that each id in a record must have."""
    datasets = (*record.inputs, *record.outputs)
    return {
        **{dataset.dataset_id: ("ENTITY", "DATASET") for dataset in datasets},
        **{dataset.dataset_template_id: ("ENTITY", "DATASET_TEMPLATE") for dataset in datasets},
        record.study_id: ("ACTIVITY", "STUDY"),
        record.associations.modeller_id: ("AGENT", "PERSON"),
        record.associations.requesting_organisation_id: ("AGENT", "ORGANISATION"),
    }


def _links(store: Store, run: str, record: ModelRunRecord) -> Iterator[Link]:
    template = _expect(store, record.workflow_template_id, "WORKFLOW_TEMPLATE")
    model = template.body["software_id"]
    if record.study_id is not None:
        yield Link(run, "wasInformedBy", record.study_id)
    for dataset in record.inputs:
        yield Link(run, "used", dataset.dataset_id)
    for dataset in record.outputs:
        yield Link(dataset.dataset_id, "wasGeneratedBy", run)
        yield Link(dataset.dataset_id, "wasAttributedTo", record.associations.modeller_id)
    yield Link(run, "used", model)
    yield Link(run, "used", template.id)
    yield Link(run, "wasAssociatedWith", record.associations.modeller_id)
    if record.associations.requesting_organisation_id is not None:
        yield Link(run, "wasAssociatedWith", record.associations.requesting_organisation_id)
    for dataset in (*record.inputs, *record.outputs):
        yield Link(template.id, "hadMember", dataset.dataset_template_id)
        yield Link(dataset.dataset_id, "wasInfluencedBy", dataset.dataset_template_id)
    yield Link(template.id, "hadMember", model)
