"""Writes the PROV document of a model run, in PROV-JSON.

The form is that of https://www.w3.org/submissions/prov-json/.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from prov_facade.models import ModelRunRecord
from prov_facade.sandbox._state.store import Link, Node

_PREFIXES = {
    "dcterms": "http://purl.org/dc/terms/",
    "handle": "https://hdl.handle.net/",
    "provena": "urn:provena:",
}

_KINDS = {"ACTIVITY": "activity", "AGENT": "agent", "ENTITY": "entity"}

# What PROV-O itself calls a subtype; the others have only Provena's name.
_TYPES = {
    "ORGANISATION": "prov:Organization",
    "PERSON": "prov:Person",
    "WORKFLOW_TEMPLATE": "prov:Collection",
}

# What PROV-JSON calls the ends of a relation: its source's, its target's.
_ENDS = {
    "hadMember": ("prov:collection", "prov:entity"),
    "used": ("prov:activity", "prov:entity"),
    "wasAssociatedWith": ("prov:activity", "prov:agent"),
    "wasAttributedTo": ("prov:entity", "prov:agent"),
    "wasGeneratedBy": ("prov:entity", "prov:activity"),
    "wasInfluencedBy": ("prov:influencee", "prov:influencer"),
    "wasInformedBy": ("prov:informed", "prov:informant"),
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def prov_document(
    record_id: str, record: ModelRunRecord, links: Iterable[Link], nodes: Iterable[Node]
) -> str:
    """Write the PROV document of a model run.

    Args:
        record_id: The handle of the model run.
        record: The model run.
        links: The links that it makes. A relation that no model run makes is a ``KeyError``.
        nodes: The nodes that they lie between.

    Returns:
        PROV-JSON. Neither the order of the links and nodes nor what is given twice changes it.
    """
    document: dict[str, dict[str, Any]] = {"prefix": _PREFIXES}
    # The run is told of even if it is not among the nodes.
    for node in sorted({*nodes, Node(record_id, "ACTIVITY", "MODEL_RUN")}, key=_node_key):
        about: dict[str, Any] = {"prov:type": _types(node.item_subtype)}
        if node.id == record_id:
            about |= _about_run(record)
        document.setdefault(_KINDS[node.item_category], {})[_handle(node.id)] = about
    for number, link in enumerate(sorted(set(links), key=_link_key), 1):
        source, target = _ENDS[link.relation]
        ends = {source: _handle(link.source), target: _handle(link.target)}
        document.setdefault(link.relation, {})[f"_:link{number}"] = ends
    return msgspec.json.encode(document).decode()


def _node_key(node: Node) -> tuple[str, str, str]:
    return node.id, node.item_category, node.item_subtype


def _link_key(link: Link) -> tuple[str, str, str]:
    return link.source, link.relation, link.target


def _handle(node_id: str) -> str:
    # Everything behind the first colon is the local part, slashes included.
    return f"handle:{node_id}"


def _types(subtype: str) -> list[dict[str, str]]:
    names = [f"provena:{subtype}", *filter(None, [_TYPES.get(subtype)])]
    return [{"$": name, "type": "prov:QUALIFIED_NAME"} for name in names]


def _about_run(record: ModelRunRecord) -> dict[str, str]:
    about = {
        "prov:label": record.display_name,
        "dcterms:description": record.description,
        "prov:startTime": _date(record.start_time),
        "prov:endTime": _date(record.end_time),
    }
    return {name: value for name, value in about.items() if value is not None}


def _date(seconds: int) -> str | None:
    """Write a time, unless it lies outside the years 1 to 9999, for which there is no form."""
    try:
        return (_EPOCH + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        return None
