"""Writes the PROV document of a model run, in PROV-JSON.

The format is that of https://www.w3.org/submissions/prov-json/.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec

from prov_facade.models import ModelRunRecord
from prov_facade.sandbox._state.csv_columns import EPOCH
from prov_facade.sandbox._state.graph import Link, Node

_PREFIXES = {
    "dcterms": "http://purl.org/dc/terms/",
    "handle": "https://hdl.handle.net/",
    "provena": "urn:provena:",
}

_KINDS = {"ACTIVITY": "activity", "AGENT": "agent", "ENTITY": "entity"}

# The PROV-O types of subtypes; the others have only a Provena type.
_TYPES = {
    "ORGANISATION": "prov:Organization",
    "PERSON": "prov:Person",
    "WORKFLOW_TEMPLATE": "prov:Collection",
}

# The names of the source and the target of a relation in PROV-JSON.
_ENDS = {
    "hadMember": ("prov:collection", "prov:entity"),
    "used": ("prov:activity", "prov:entity"),
    "wasAssociatedWith": ("prov:activity", "prov:agent"),
    "wasAttributedTo": ("prov:entity", "prov:agent"),
    "wasGeneratedBy": ("prov:entity", "prov:activity"),
    "wasInfluencedBy": ("prov:influencee", "prov:influencer"),
    "wasInformedBy": ("prov:informed", "prov:informant"),
}


def prov_document(
    record_id: str, record: ModelRunRecord, links: Iterable[Link], nodes: Iterable[Node]
) -> str:
    """Write the PROV document of a model run.

    Args:
        record_id: The handle of the model run.
        record: The model run.
        links: Its links. A relation that model runs do not have raises ``KeyError``.
        nodes: The ends of these links.

    Returns:
        PROV-JSON. It does not depend on the order of links and nodes, or on duplicates.
    """
    document: dict[str, dict[str, Any]] = {"prefix": _PREFIXES}
    # The run is included even if it is not among the nodes.
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
    # Everything after the first colon is the local part, including slashes.
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
    """Format a time; ``None`` outside the years 1 to 9999."""
    try:
        return (EPOCH + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        return None
