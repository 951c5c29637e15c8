"""The rows of CSV files."""

from __future__ import annotations

from collections.abc import Iterator

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
    csv_text,
    dataset,
    error_message,
    parse_rows,
    workflow_template,
)

from prov_facade.models import AssociationInfo
from prov_facade.sandbox._state.csv_columns import CSVError
from prov_facade.sandbox._state.csv_reader import Converted
from prov_facade.sandbox._state.csv_writer import BatchRow, regenerate, template
from prov_facade.sandbox._state.store import Item, Store


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with Store() as store:
        store.put_items(ITEMS)
        yield store


def test_a_row_becomes_a_record(store: Store) -> None:
    assert convert_text(store, csv_text(FILLED)) == Converted([RECORD], [], [])


def test_optional_cells_can_be_empty(store: Store) -> None:
    empty = {
        "model version (optional)",
        "study id",
        "annotation: scenario",
        "annotation: note",
    }
    (record,) = convert_text(
        store, csv_text({header: c for header, c in FILLED.items() if header not in empty})
    ).new_records
    assert record == attrs.evolve(
        RECORD,
        model_version=None,
        study_id=None,
        annotations={"region": "Heron Reef"},
    )


def test_a_row_without_annotations_has_none(store: Store) -> None:
    text = (
        template(store, "10378.1/6") + ",run,text,,person,,2024-01-01T00:00Z,2024-01-01T00:00Z,,,,"
    )
    (record,) = convert_text(store, text).new_records
    assert (record.annotations, record.inputs, record.outputs) == (None, [], [])


@pytest.mark.parametrize(
    "header",
    [
        "display name",
        "description",
        START,
        END,
        HEADERS[8],
        "Input resource: winds",
        HEADERS[11],  # although the workflow template calls it optional
        "Input resource: depths",
        HEADERS[13],
        "annotation: region",
    ],
)
@pytest.mark.parametrize("cell", ["", " \t"])
def test_required_cells_must_not_be_empty(store: Store, header: str, cell: str) -> None:
    text = csv_text(FILLED, FILLED | {header: cell})
    assert error_message(store, text) == f"Row 2: {header} is empty."


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2024-03-01 00:00:00+10:00", 1709215200),
        ("2024/03/01 00:00:00+10:00", 1709215200),
        ("2024/03/01T00:00:00+1000", 1709215200),
        ("2024-02-29 14:00:00Z", 1709215200),
        ("2024-02-29T14:00+00:00", 1709215200),
        ("2024-02-29 04:30:00-09:30", 1709215200),
        ("2024-02-29 14:00:00.9Z", 1709215200),
        ("2024-02-29x14:00:00+00:00", 1709215200),
        ("1969-12-31 23:59:59.5Z", -1),
        ("0001-01-01 00:00:00+00:00", -62135596800),
    ],
)
def test_times_are_parsed(store: Store, text: str, seconds: int) -> None:
    (record,) = convert_text(store, csv_text(FILLED | {START: text})).new_records
    assert record.start_time == seconds


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-01 00:00:00",  # without an offset
        "2024-03-01",
        "2024-03-01+10:00",
        "2024-13-01 00:00:00+10:00",
        "2023-02-29 00:00:00+10:00",
        "2024-03-01 25:00:00+10:00",
        "2024-03-01 00:00:00+99:00",
        "2024-03-01 00:00:00 AEST",
        "9999-12-31 24:00:00+00:00",
        "1 March 2024, 00:00 +10:00",
        "1709215200",
        "yesterday",
        "２024-03-01 00:00:00+10:00",  # noqa: RUF001 - must be rejected
        "\0",
    ],
)
def test_invalid_times_are_rejected(store: Store, text: str) -> None:
    message = error_message(store, csv_text(FILLED | {START: text}))
    assert message == f"Row 1: cannot read the execution start time {text}."
    assert "the execution end time" in error_message(store, csv_text(FILLED | {END: text}))


def test_a_run_must_not_end_before_it_starts(store: Store) -> None:
    text = csv_text(FILLED | {END: "2024-02-29 23:59:59+10:00"})
    expected = "Row 1: the execution start time is after the execution end time."
    assert error_message(store, text) == expected
    convert_text(store, csv_text(FILLED | {END: FILLED[START]}))


def test_rows_with_a_job_are_not_parsed(store: Store) -> None:
    job = {"_job_id": f" {JOB} ", "display name": ""}
    found = convert_text(store, csv_text(FILLED, job, job))
    assert (found.new_records, found.existing_records) == ([RECORD], [JOB, JOB])


@pytest.mark.parametrize("job_id", ["job-1", "0", JOB[:-1], "10378.1/1"])
def test_job_ids_that_are_not_uuids_are_rejected(job_id: str, store: Store) -> None:
    text = csv_text(FILLED | {"_job_id": job_id})
    assert error_message(store, text) == f"Row 1: the _job_id {job_id} is not a UUID."


@pytest.mark.parametrize("job_id", [JOB.upper(), JOB.replace("-", ""), f"urn:uuid:{JOB}"])
def test_any_uuid_counts_as_an_existing_job(job_id: str, store: Store) -> None:
    text = csv_text(FILLED | {"_job_id": job_id})
    assert convert_text(store, text) == Converted([], [job_id], [])


def test_text_is_preserved(store: Store) -> None:
    text = 'one,\r\ntwo\n"three"\rfour\0five =1+1 🐚'
    (record,) = convert_text(store, csv_text(FILLED | {"description": text})).new_records
    assert record.description == text


def test_agents_are_not_checked(store: Store) -> None:
    (record,) = convert_text(store, csv_text(FILLED | {"agent id": " "})).new_records
    assert record == attrs.evolve(RECORD, associations=AssociationInfo(""))


@pytest.mark.parametrize("wrong", ["10378.1/404", "10378.1/2"])
@pytest.mark.parametrize("header", [HEADERS[8], HEADERS[13]])
def test_datasets_must_exist(store: Store, header: str, wrong: str) -> None:
    text = csv_text(FILLED, FILLED | {header: wrong})
    assert error_message(store, text) == f"Row 2: could not find the dataset {wrong}."


def test_optional_resources_are_required_in_files() -> None:
    resources = [{"key": "log", "description": "A file.", "optional": True}]
    body = {"deferred_resources": resources}
    with Store() as store:
        store.put_items(
            [
                Item("t/in", "ENTITY", "DATASET_TEMPLATE", "In", body=body),
                workflow_template("t/run", input_templates=[{"template_id": "t/in"}]),
                dataset("t/data"),
            ]
        )
        (headers,) = parse_rows(template(store, "t/run"))
        row = FILLED | dict(zip(headers[8:10], ["t/data", "a.nc"], strict=True))
        row = {header: row.get(header, "") for header in headers}
        (record,) = convert_text(store, csv_text(row, headers=headers)).new_records
        _, again = parse_rows(regenerate(store, [BatchRow(record, JOB, "PENDING")]))
        text = csv_text({**row, headers[9]: ""}, headers=headers)
        assert error_message(store, text) == "Row 1: Input resource: log is empty."
        record.inputs[0].resources = None
        with pytest.raises(CSVError, match=r"no value for Input resource: log\.$"):
            regenerate(store, [BatchRow(record, JOB, "PENDING")])
    assert again[8:10] == ["t/data", "a.nc"]


def test_errors_shorten_long_cells(store: Store) -> None:
    assert len(error_message(store, csv_text(FILLED | {START: "x" * 10_000}))) < 200
