from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import docx
import pytest
from docx.document import Document

from prov_facade.sandbox._state.graph import Link, Node, add
from prov_facade.sandbox._state.reports import report
from prov_facade.sandbox._state.store import Item, Store

NOW = 1_750_000_000

# Two consecutive runs of a study, with a run outside the study before and after:
# data0 -> run0 -> data1 -> run1 -> data2 -> run2 -> data3 -> run3 -> data4.
STUDY = Item(
    "1/study", "ACTIVITY", "STUDY", "Reefs", "ann", 1_700_000_000, 0, {"description": "About reefs"}
)
NAMED = [
    Item("1/data0", "ENTITY", "DATASET", "Census"),
    Item("1/data1", "ENTITY", "DATASET", "Ocean"),
    Item("1/data2", "ENTITY", "DATASET", "Cover"),
    Item("1/data3", "ENTITY", "DATASET", "Outlook"),
    Item("1/run0", "ACTIVITY", "MODEL_RUN", "Run zero"),
    Item("1/run1", "ACTIVITY", "MODEL_RUN", "Run one", body={"record": {"description": "One."}}),
    Item("1/run2", "ACTIVITY", "MODEL_RUN", "Run two"),
]


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as store:
        store.put_items([STUDY, *NAMED])
        for number in range(4):
            run, data, result = f"1/run{number}", f"1/data{number}", f"1/data{number + 1}"
            nodes = [
                Node(run, "ACTIVITY", "MODEL_RUN"),
                Node(data, "ENTITY", "DATASET"),
                Node(result, "ENTITY", "DATASET"),
                Node("1/template", "ENTITY", "WORKFLOW_TEMPLATE"),
                Node("1/person", "AGENT", "PERSON"),
            ]
            links = [
                Link(run, "used", data),
                Link(run, "used", "1/template"),
                Link(run, "wasAssociatedWith", "1/person"),
                Link(result, "wasGeneratedBy", run),
            ]
            if number in {1, 2}:
                nodes.append(Node("1/study", "ACTIVITY", "STUDY"))
                links.append(Link(run, "wasInformedBy", "1/study"))
            add(store, run, nodes, links)
        yield store


def opened(content: bytes) -> Document:
    return docx.Document(io.BytesIO(content))


def item(store: Store, item_id: str) -> Item:
    found = store.item(item_id)
    assert found is not None
    return found


def tables(content: bytes) -> dict[str, list[list[str]]]:
    """The rows of each table, by the heading above it."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    document = opened(content)
    for block in document.iter_inner_content():
        part: Any = block
        if block in document.tables or hasattr(block, "rows"):
            rows = [[cell.text for cell in row.cells] for row in part.rows]
            assert rows[0] == ["Id", "Name"]
            found[heading] = rows[1:]
        elif part.style.name.startswith("Heading"):
            heading = part.text
    return found


def ids(content: bytes) -> dict[str, list[str]]:
    return {heading: [row[0] for row in rows] for heading, rows in tables(content).items()}


@pytest.mark.parametrize(
    ("depth", "inputs", "runs", "outputs"),
    [
        (1, ["1/data1"], ["1/run1"], ["1/data2"]),
        (2, ["1/data1"], ["1/run0", "1/run1", "1/run2"], ["1/data2"]),
        (3, ["1/data0", "1/data1"], ["1/run0", "1/run1", "1/run2"], ["1/data2", "1/data3"]),
    ],
)
def test_a_report_on_a_run_lists_related_items(
    depth: int, inputs: list[str], runs: list[str], outputs: list[str], store: Store
) -> None:
    content = report(store, item(store, "1/run1"), depth, now=NOW)
    assert ids(content) == {"Inputs": inputs, "Model runs": runs, "Outputs": outputs}


@pytest.mark.parametrize(
    ("depth", "inputs", "runs", "outputs"),
    [
        (1, ["1/data1", "1/data2"], ["1/run1", "1/run2"], ["1/data2", "1/data3"]),
        (
            3,
            ["1/data0", "1/data1", "1/data2"],
            ["1/run0", "1/run1", "1/run2", "1/run3"],
            ["1/data2", "1/data3", "1/data4"],
        ),
    ],
)
def test_a_report_on_a_study_lists_the_items_related_to_its_runs(
    depth: int, inputs: list[str], runs: list[str], outputs: list[str], store: Store
) -> None:
    content = report(store, STUDY, depth, now=NOW)
    assert ids(content) == {"Inputs": inputs, "Model runs": runs, "Outputs": outputs}


def test_known_names_are_listed(store: Store) -> None:
    found = tables(report(store, STUDY, 3, now=NOW))
    assert found["Inputs"] == [["1/data0", "Census"], ["1/data1", "Ocean"], ["1/data2", "Cover"]]
    assert found["Outputs"][-1] == ["1/data4", ""]
    assert found["Model runs"][-2:] == [["1/run2", "Run two"], ["1/run3", ""]]


@pytest.mark.parametrize(
    ("item_id", "title", "paragraphs"),
    [
        (
            "1/study",
            "Study report: Reefs",
            [
                "Id: 1/study",
                "Name: Reefs",
                "Description: About reefs",
                "Owner: ann",
                "Registered: 2023-11-14 22:13 UTC",
                "Links followed: 2",
                "Report created: 2025-06-15 15:06 UTC",
            ],
        ),
        ("1/run1", "Model run report: Run one", ["Id: 1/run1", "Description: One."]),
    ],
)
def test_a_report_describes_its_item(
    item_id: str, title: str, paragraphs: list[str], store: Store
) -> None:
    document = opened(report(store, item(store, item_id), 2, now=NOW))
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert texts[0] == document.core_properties.title == title
    assert set(paragraphs) <= set(texts)


def test_an_item_outside_the_graph_gives_empty_tables(store: Store) -> None:
    study = Item("1/other", "ACTIVITY", "STUDY", "Nothing yet")
    content = report(store, study, 3, now=NOW)
    assert tables(content) == {"Inputs": [], "Model runs": [], "Outputs": []}


def test_only_informed_by_links_connect_runs_to_a_study(store: Store) -> None:
    add(
        store,
        "1/x",
        [Node("1/x", "ENTITY", "DATASET"), Node("1/y", "ENTITY", "DATASET")],
        [Link("1/x", "wasInfluencedBy", "1/study"), Link("1/x", "wasInfluencedBy", "1/y")],
    )
    content = report(store, STUDY, 1, now=NOW)
    assert ids(content)["Inputs"] == ["1/data1", "1/data2"]


def test_only_directly_linked_runs_belong_to_a_study(store: Store) -> None:
    add(
        store,
        "1/run9",
        [Node("1/run9", "ACTIVITY", "MODEL_RUN"), Node("1/data9", "ENTITY", "DATASET")],
        [Link("1/run9", "wasInformedBy", "1/run2"), Link("1/run9", "used", "1/data9")],
    )
    found = ids(report(store, STUDY, 3, now=NOW))
    assert "1/run9" in found["Model runs"]
    assert "1/data9" not in found["Inputs"]


def test_other_items_have_no_reports(store: Store) -> None:
    with pytest.raises(ValueError, match="cannot create a report on a DATASET"):
        report(store, item(store, "1/data1"), 1, now=NOW)


def test_reports_are_reproducible(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first = report(store, STUDY, 3, now=NOW)
    tomorrow = time.localtime(time.time() + 86_400)
    monkeypatch.setattr(time, "localtime", lambda *_: tomorrow)
    assert report(store, STUDY, 3, now=NOW) == first
    assert report(store, STUDY, 3, now=NOW + 60) != first


def test_document_properties_are_those_of_the_report(store: Store) -> None:
    content = report(store, STUDY, 1, now=NOW)
    properties = opened(content).core_properties
    made = datetime.fromtimestamp(NOW, UTC)
    for found in (properties.created, properties.modified):
        assert found is not None
        assert found.replace(tzinfo=UTC) == made
    assert properties.author == properties.last_modified_by == "prov-facade sandbox"
    assert properties.comments == ""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert {entry.date_time for entry in archive.infolist()} == {made.timetuple()[:6]}


def test_any_text_and_time_can_be_written(store: Store) -> None:
    odd = Item(
        "1/run1",
        "ACTIVITY",
        "MODEL_RUN",
        "a\x00b\x1b <c>&amp;\r\n\ud800 🐠 " + "long " * 100,
        created_timestamp=10**18,
        body={"record": {"description": "\ufffe"}},
    )
    document = opened(report(store, odd, 1, now=0))
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert texts[0].startswith("Model run report: a\ufffdb\ufffd <c>&amp; \ufffd 🐠 long")
    assert texts[0].startswith(document.core_properties.title)
    assert f"Registered: {10**18}" in texts
    assert "Description: \ufffd" in texts
    assert "Report created: 1970-01-01 00:00 UTC" in texts
