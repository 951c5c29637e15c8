"""The CSV file of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from sandbox.csv_files import (
    END,
    FILLED,
    HEADERS,
    ITEMS,
    JOB,
    RECORD,
    START,
    convert_text,
    parse_rows,
)

from prov_facade.models import DatasetType, TemplatedDataset
from prov_facade.sandbox._state.csv_columns import CSVError
from prov_facade.sandbox._state.csv_reader import Converted
from prov_facade.sandbox._state.csv_writer import BatchRow, regenerate
from prov_facade.sandbox._state.store import Store

DATA_STORE = DatasetType.DATA_STORE


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with Store() as store:
        store.put_items(ITEMS)
        yield store


def test_a_batch_has_a_row_for_each_job(store: Store) -> None:
    text = regenerate(
        store,
        [
            BatchRow(RECORD, "job-1", "SUCCEEDED", "10378.1/30", "not for this one"),
            BatchRow(RECORD, "job-2", "FAILED", None, "Could not find dataset."),
            BatchRow(RECORD, "job-3", "PENDING"),
        ],
    )
    header, *rows = parse_rows(text)
    times = {START: "2024-02-29 14:00:00+00:00", END: "2024-03-07 14:00:00+00:00"}
    filled = ["", *((FILLED | times)[header] for header in HEADERS[1:-4])]
    assert header == HEADERS
    assert rows == [
        [*filled, "job-1", "SUCCEEDED", "10378.1/30", ""],
        [*filled, "job-2", "FAILED", "", "Could not find dataset."],
        [*filled, "job-3", "PENDING", "", ""],
    ]


def test_a_regenerated_row_converts_to_an_existing_job(store: Store) -> None:
    text = regenerate(store, [BatchRow(RECORD, JOB, "SUCCEEDED")])
    assert convert_text(store, text) == Converted([], [JOB], [])


def test_missing_optional_values_are_empty_cells(store: Store) -> None:
    record = attrs.evolve(
        RECORD, model_version=None, study_id=None, annotations={"region": "Heron Reef"}
    )
    _, row = parse_rows(regenerate(store, [BatchRow(record, "job-1", "FAILED")]))
    assert (row[3], row[5], row[14:17]) == ("", "", ["Heron Reef", "", ""])


@pytest.mark.parametrize(
    ("change", "header"),
    [
        ({"inputs": RECORD.inputs[1:]}, HEADERS[8]),
        ({"inputs": RECORD.inputs[:1]}, HEADERS[11]),  # an optional one
        ({"inputs": [TemplatedDataset("10378.1/2", "x", DATA_STORE)]}, HEADERS[9]),
        ({"outputs": []}, HEADERS[13]),
        ({"annotations": None}, "annotation: region"),
        ({"annotations": {"note": "calm"}}, "annotation: region"),
    ],
)
def test_missing_required_values_are_an_error(
    store: Store, change: dict[str, Any], header: str
) -> None:
    rows = [
        BatchRow(record, f"job-{number}", "FAILED")
        for number, record in enumerate([RECORD, attrs.evolve(RECORD, **change)])
    ]
    with pytest.raises(CSVError) as error:
        regenerate(store, rows)
    assert str(error.value) == f"The record of job job-1 has no value for {header}."


def test_only_the_first_dataset_of_a_template_is_written(store: Store) -> None:
    other = TemplatedDataset("10378.1/4", "10378.1/23", DATA_STORE)
    record = attrs.evolve(RECORD, outputs=[*RECORD.outputs, other])
    _, row = parse_rows(regenerate(store, [BatchRow(record, "job-1", "SUCCEEDED")]))
    assert row[13] == "10378.1/22"


def test_mixed_workflow_templates_are_rejected(store: Store) -> None:
    other = attrs.evolve(RECORD, workflow_template_id="10378.1/6")
    rows = [BatchRow(record, "job", "SUCCEEDED") for record in (RECORD, other)]
    expected = r"^The batch contains model runs of more than one workflow template\.$"
    with pytest.raises(CSVError, match=expected):
        regenerate(store, rows)


def test_the_workflow_template_of_a_batch_must_exist(store: Store) -> None:
    record = attrs.evolve(RECORD, workflow_template_id="10378.1/404")
    with pytest.raises(CSVError, match=r"workflow template with id 10378\.1/404\.$"):
        regenerate(store, [BatchRow(record, "job", "FAILED")])


@pytest.mark.parametrize("time", [-(2**63), -62135596801, 253402300800, 2**63 - 1])
def test_times_without_a_date_are_an_error(store: Store, time: int) -> None:
    record = attrs.evolve(RECORD, start_time=time)
    with pytest.raises(OverflowError):
        regenerate(store, [BatchRow(record, "job", "FAILED")])
