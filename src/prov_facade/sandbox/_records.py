"""What a model run record means: what it must fulfil, and the nodes and links that it makes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prov_facade.models import ModelRunRecord, TemplatedDataset
from prov_facade.sandbox._store import Item, Link, Node, Store


class BadRecordError(Exception):
    """A record that cannot be registered. Its text is the ``detail`` of a 400."""


def check(store: Store, record: ModelRunRecord) -> None:
    """Check that what a record names exists, and that it fulfils its workflow template.

    Raises:
        BadRecordError: If not.
    """
    template = _expect(store, record.workflow_template_id, "WORKFLOW_TEMPLATE")
    _check_datasets(store, "input", template.body["input_templates"], record.inputs)
    _check_datasets(store, "output", template.body["output_templates"], record.outputs)
    for key in template.body["annotations"]["required"]:
        if key not in (record.annotations or {}):
            raise BadRecordError(f"The required annotation '{key}' is missing.")
    if record.study_id is not None:
        _expect(store, record.study_id, "STUDY")
    _expect(store, record.associations.modeller_id, "PERSON")
    if record.associations.requesting_organisation_id is not None:
        _expect(store, record.associations.requesting_organisation_id, "ORGANISATION")


def _check_datasets(
    store: Store,
    kind: str,
    templates: Sequence[Mapping[str, Any]],
    datasets: Iterable[TemplatedDataset],
) -> None:
    given: dict[str, TemplatedDataset] = {}
    for dataset in datasets:
        if dataset.dataset_template_id in given:
            raise BadRecordError(f"There are two {kind}s for {dataset.dataset_template_id}.")
        given[dataset.dataset_template_id] = dataset
    for template in templates:
        dataset_or_none = given.pop(template["template_id"], None)
        if dataset_or_none is not None:
            _check_dataset(store, dataset_or_none)
        elif not template.get("optional", False):
            raise BadRecordError(
                f"The workflow template needs an {kind} for dataset template"
                f" {template['template_id']}."
            )
    if given:
        raise BadRecordError(
            f"The workflow template has no {kind} dataset template {', '.join(given)}."
        )


def _check_dataset(store: Store, dataset: TemplatedDataset) -> None:
    _expect(store, dataset.dataset_id, "DATASET")
    template = _expect(store, dataset.dataset_template_id, "DATASET_TEMPLATE")
    deferred = {resource["key"] for resource in template.body.get("deferred_resources", ())}
    given = set(dataset.resources or ())
    if given != deferred:
        wrong = ", ".join(sorted(given ^ deferred))
        raise BadRecordError(
            f"The resources of dataset {dataset.dataset_id} do not match those that its template"
            f" defers: {wrong}."
        )


def _expect(store: Store, item_id: str, subtype: str) -> Item:
    item = store.item(item_id)
    if item is None:
        raise BadRecordError(f"Could not find {subtype} with id {item_id}.")
    if item.item_subtype != subtype:
        raise BadRecordError(f"{item_id} is a {item.item_subtype}, a {subtype} was expected.")
    return item


def graph_of(store: Store, record_id: str, record: ModelRunRecord) -> tuple[list[Node], list[Link]]:
    """List the nodes and links that a model run makes.

    What the record names need not exist, except its workflow template.

    Returns:
        The nodes, each once, and the links, at most one between an ordered pair of nodes.

    Raises:
        BadRecordError: If there is no such workflow template.
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
    """Say what each thing that a record names must be."""
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
    for entry in (*template.body["input_templates"], *template.body["output_templates"]):
        yield Link(template.id, "hadMember", entry["template_id"])
    for dataset in (*record.inputs, *record.outputs):
        yield Link(dataset.dataset_id, "wasInfluencedBy", dataset.dataset_template_id)
    yield Link(template.id, "hadMember", model)
