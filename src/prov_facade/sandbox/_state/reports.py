"""Creates Word reports on studies and model runs."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable
from datetime import datetime, timedelta

import docx
from docx.document import Document
from docx.shared import Cm

from prov_facade.sandbox._state.csv_columns import EPOCH
from prov_facade.sandbox._state.graph import Node
from prov_facade.sandbox._state.lineage import Direction, explore
from prov_facade.sandbox._state.store import Item, Store

# Characters that XML cannot contain, not even escaped.
_INVALID_IN_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")

# The maximum length of a title in the properties of a document.
_TITLE_LIMIT = 255

_FIRST_YEAR_OF_ZIP = 1980

_WIDTHS = (Cm(4), Cm(11))  # the columns of ids and of names

_KINDS = {"MODEL_RUN": "Model run", "STUDY": "Study"}


def report(store: Store, item: Item, depth: int, *, now: int) -> bytes:
    """Create a report.

    The report on a model run lists the datasets upstream as inputs, the datasets downstream as
    outputs, and the model runs in both directions, including itself. The report on a study covers
    all of its model runs.

    Args:
        store: Contains the items and the graph.
        item: The study or the model run.
        depth: The maximum number of links to follow from a model run in each direction.
        now: The time of the report, in Unix seconds.

    Returns:
        The bytes of a ``.docx`` document, which depend only on the arguments.

    Raises:
        ValueError: If the item is neither a study nor a model run.
    """
    upstream, downstream = _related_nodes(store, item, depth)
    created = EPOCH + timedelta(seconds=now)
    title = f"{_KINDS[item.item_subtype]} report: {_single_line(item.display_name)}"
    document = docx.Document()
    _set_properties(document, title, created)
    document.add_heading(title, 0)
    _add_about(document, item, depth, now)
    for heading, nodes, subtype in (
        ("Inputs", upstream, "DATASET"),
        ("Model runs", upstream | downstream, "MODEL_RUN"),
        ("Outputs", downstream, "DATASET"),
    ):
        ids = sorted(node.id for node in nodes if node.item_subtype == subtype)
        _add_table(document, heading, [(node_id, _name(store, node_id)) for node_id in ids])
    content = io.BytesIO()
    document.save(content)
    return _set_dates(content.getvalue(), created)


def _related_nodes(store: Store, item: Item, depth: int) -> tuple[set[Node], set[Node]]:
    """Find the nodes upstream and downstream of a model run, or of the model runs of a study."""
    match item.item_subtype:
        case "MODEL_RUN":
            runs = {item.id}
        case "STUDY":
            # Model runs link to their study.
            informed = explore(store, item.id, 1, Direction.DOWNSTREAM).links
            runs = {link.source for link in informed if link.relation == "wasInformedBy"}
        case other:
            raise ValueError(f"cannot create a report on a {other}")
    upstream: set[Node] = set()
    downstream: set[Node] = set()
    for run in runs:
        upstream.update(explore(store, run, depth, Direction.UPSTREAM).nodes)
        downstream.update(explore(store, run, depth, Direction.DOWNSTREAM).nodes)
    return upstream, downstream


def _name(store: Store, item_id: str) -> str:
    item = store.item(item_id)
    return item.display_name if item else ""


def _set_properties(document: Document, title: str, created: datetime) -> None:
    properties = document.core_properties
    properties.title = title[:_TITLE_LIMIT]
    properties.author = properties.last_modified_by = "prov-facade sandbox"
    properties.comments = ""
    properties.created = properties.modified = created


def _add_about(document: Document, item: Item, depth: int, now: int) -> None:
    document.add_heading(f"About the {_KINDS[item.item_subtype].lower()}", 1)
    # The description of a model run is in its record.
    description = item.body.get("record", item.body).get("description")
    for label, text in (
        ("Id", item.id),
        ("Name", item.display_name),
        ("Description", description),
        ("Owner", item.owner_username),
        ("Registered", _date(item.created_timestamp)),
        ("Links followed", str(depth)),
        ("Report created", _date(now)),
    ):
        if text:
            paragraph = document.add_paragraph()
            paragraph.add_run(f"{label}: ").bold = True
            paragraph.add_run(_single_line(text))


def _add_table(document: Document, heading: str, rows: Iterable[tuple[str, str]]) -> None:
    document.add_heading(heading, 1)
    table = document.add_table(rows=0, cols=2, style="Table Grid")
    for row in (("Id", "Name"), *rows):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = _single_line(text)
        # Word uses the widths of cells, LibreOffice those of columns.
        for cell, width in zip(table.rows[-1].cells, _WIDTHS, strict=True):
            cell.width = width
    for column, width in zip(table.columns, _WIDTHS, strict=True):
        column.width = width
    for cell in table.rows[0].cells:
        cell.paragraphs[0].runs[0].bold = True


def _date(seconds: int) -> str:
    try:
        return f"{EPOCH + timedelta(seconds=seconds):%Y-%m-%d %H:%M} UTC"
    except OverflowError:
        # Requests can contain any number, even one that is not a valid date.
        return str(seconds)


def _single_line(text: str) -> str:
    return _INVALID_IN_XML.sub("\ufffd", " ".join(text.split()))


def _set_dates(content: bytes, created: datetime) -> bytes:
    """Set the dates of the files in a document, for which python-docx uses the current time."""
    dated = io.BytesIO()
    date = (max(created.year, _FIRST_YEAR_OF_ZIP), *created.timetuple()[1:6])
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(dated, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, date)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, old.read(name))
    return dated.getvalue()
