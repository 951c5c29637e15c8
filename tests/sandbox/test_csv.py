"""The CSV files of bulk registration."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prov_facade.models import AssociationInfo, DatasetType, ModelRunRecord, TemplatedDataset
from prov_facade.sandbox._csv import BatchRow, Converted, CSVError, convert, regenerate, template
from prov_facade.sandbox._store import Item, Store

TEMPLATE = "10378.1/1"
HEADERS = [
    "_workflow template id 10378.1/1",
    "display name",
    "description",
    "model version (optional)",
    "agent id",
    "study id",
    "execution start time (YYYY-MM-DD HH:MM:SS+HH:MM)",
    "execution end time (YYYY-MM-DD HH:MM:SS+HH:MM)",
    "Input dataset id for template: Ocean forcing [template id: 10378.1/2]",
    "Input resource: boundary",
    "Input resource: winds",
    "Input dataset id for template: Bathymetry, fine [template id: 10378.1/3]",
    "Input resource: depths",
    "Output dataset id for template: Flow field [template id: 10378.1/4]",
    "annotation: region",
    "annotation: scenario",
    "annotation: note",
    "_job_id",
    "_job_status",
    "_model_run_record_id",
    "_error_info",
]
START, END = HEADERS[6:8]
FILLED = {
    "display name": "Flow in March",
    "description": "A hindcast.",
    "model version (optional)": "3.2.1",
    "agent id": "10378.1/10",
    "study id": "10378.1/11",
    START: "2024-03-01 00:00:00+10:00",
    END: "2024-03-08 00:00:00+10:00",
    HEADERS[8]: "10378.1/20",
    "Input resource: boundary": "forcing/boundary.nc",
    "Input resource: winds": "forcing/winds.nc",
    HEADERS[11]: "10378.1/21",
    "Input resource: depths": "depths.nc",
    HEADERS[13]: "10378.1/22",
    "annotation: region": "Heron Reef",
    "annotation: scenario": "hindcast",
    "annotation: note": "calm",
}
RECORD = ModelRunRecord(
    workflow_template_id=TEMPLATE,
    inputs=[
        TemplatedDataset(
            "10378.1/2",
            "10378.1/20",
            DatasetType.DATA_STORE,
            {"boundary": "forcing/boundary.nc", "winds": "forcing/winds.nc"},
        ),
        TemplatedDataset(
            "10378.1/3", "10378.1/21", DatasetType.DATA_STORE, {"depths": "depths.nc"}
        ),
    ],
    outputs=[TemplatedDataset("10378.1/4", "10378.1/22", DatasetType.DATA_STORE)],
    display_name="Flow in March",
    description="A hindcast.",
    associations=AssociationInfo("10378.1/10"),
    start_time=1709215200,
    end_time=1709820000,
    model_version="3.2.1",
    annotations={"region": "Heron Reef", "scenario": "hindcast", "note": "calm"},
    study_id="10378.1/11",
)


def dataset_template(item_id: str, name: str, *keys: str) -> Item:
    body = {"deferred_resources": [{"key": key, "description": "A file."} for key in keys]}
    return Item(item_id, "ENTITY", "DATASET_TEMPLATE", name, body=body)


def workflow_template(item_id: str, **body: Any) -> Item:
    return Item(item_id, "ENTITY", "WORKFLOW_TEMPLATE", "A workflow", body=body)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with Store() as store:
        store.put_items(
            [
                dataset_template("10378.1/2", "Ocean forcing", "boundary", "winds"),
                dataset_template("10378.1/3", "Bathymetry, fine", "depths"),
                dataset_template("10378.1/4", "Flow field"),
                workflow_template(
                    TEMPLATE,
                    software_id="10378.1/5",
                    input_templates=[
                        {"template_id": "10378.1/2", "optional": False},
                        {"template_id": "10378.1/3", "optional": True},
                    ],
                    output_templates=[{"template_id": "10378.1/4", "optional": False}],
                    annotations={"required": ["region"], "optional": ["scenario", "note"]},
                ),
                workflow_template("10378.1/6"),
                workflow_template("10378.1/7", input_templates=[{"template_id": "10378.1/404"}]),
                workflow_template(
                    "10378.1/8",
                    input_templates=[{"template_id": "10378.1/2"}, {"template_id": "10378.1/9"}],
                ),
                dataset_template("10378.1/9", "Ocean forcing, again", "boundary"),
            ]
        )
        yield store


def written(*rows: dict[str, str], headers: list[str] = HEADERS) -> str:
    text = StringIO(newline="")
    writer = csv.DictWriter(text, headers, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text, newline="")))


def is_job(job_id: str) -> bool:
    return job_id == "job-1"


def converted(store: Store, text: str) -> Converted:
    return convert(store, text, is_job)


def refusal(store: Store, text: str) -> str:
    with pytest.raises(CSVError) as error:
        convert(store, text, is_job)
    return str(error.value)


# The template


def test_a_template_is_the_header_row(store: Store) -> None:
    assert read(template(store, TEMPLATE)) == [HEADERS]


def test_a_template_of_nothing_has_the_general_columns(store: Store) -> None:
    expected = ["_workflow template id 10378.1/6", *HEADERS[1:8], *HEADERS[-4:]]
    assert read(template(store, "10378.1/6")) == [expected]


@pytest.mark.parametrize("unknown", ["10378.1/404", "10378.1/2", ""])
def test_only_a_workflow_template_has_one(store: Store, unknown: str) -> None:
    with pytest.raises(CSVError, match=f"^Could not find workflow template with id {unknown}.$"):
        template(store, unknown)


def test_a_dataset_template_that_is_missing_is_named(store: Store) -> None:
    with pytest.raises(CSVError, match=r"dataset template with id 10378\.1/404\.$"):
        template(store, "10378.1/7")


# Conversion


def test_a_filled_row_becomes_a_record(store: Store) -> None:
    assert converted(store, written(FILLED)) == Converted([RECORD], [], [])


def test_optional_cells_may_be_empty(store: Store) -> None:
    empty = {
        "model version (optional)",
        "study id",
        HEADERS[11],
        "Input resource: depths",
        "annotation: scenario",
        "annotation: note",
    }
    (record,) = converted(
        store, written({header: c for header, c in FILLED.items() if header not in empty})
    ).new_records
    assert record == attrs.evolve(
        RECORD,
        inputs=RECORD.inputs[:1],
        model_version=None,
        study_id=None,
        annotations={"region": "Heron Reef"},
    )


def test_a_row_without_annotations_has_none(store: Store) -> None:
    text = template(store, "10378.1/6") + ",run,text,,person,,2024-01-01T00:00Z,2024-01-01T00:00Z"
    (record,) = converted(store, text).new_records
    assert (record.annotations, record.inputs, record.outputs) == (None, [], [])


@pytest.mark.parametrize(
    "header",
    [
        "display name",
        "description",
        "agent id",
        START,
        END,
        HEADERS[8],
        "Input resource: winds",
        HEADERS[11],  # its resource is given
        "Input resource: depths",  # its dataset is given
        HEADERS[13],
        "annotation: region",
    ],
)
@pytest.mark.parametrize("cell", ["", " \t"])
def test_required_cells_must_be_filled(store: Store, header: str, cell: str) -> None:
    text = written(FILLED, FILLED | {header: cell})
    assert refusal(store, text) == f"Row 2: {header} is empty."


def test_cells_and_headers_are_stripped(store: Store) -> None:
    padded = [f" {header}\t" for header in HEADERS]
    row = {f" {header}\t": f"\n{cell} " for header, cell in FILLED.items()}
    assert converted(store, written(row, headers=padded)).new_records == [RECORD]


def test_columns_may_stand_in_any_order_after_the_first(store: Store) -> None:
    text = written(FILLED, headers=[HEADERS[0], *reversed(HEADERS[1:])])
    assert converted(store, text).new_records == [RECORD]


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
        ("1969-12-31 23:59:59.5Z", -1),
        ("0001-01-01 00:00:00+00:00", -62135596800),
    ],
)
def test_times(store: Store, text: str, seconds: int) -> None:
    (record,) = converted(store, written(FILLED | {START: text})).new_records
    assert record.start_time == seconds


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-01 00:00:00",  # of no offset
        "2024-03-01",
        "2024-03-01+10:00",
        "2024-13-01 00:00:00+10:00",
        "2023-02-29 00:00:00+10:00",
        "2024-03-01 25:00:00+10:00",
        "2024-03-01 00:00:00+99:00",
        "2024-03-01 00:00:00 AEST",
        "2024-03-01x00:00:00+10:00",
        "9999-12-31 24:00:00+00:00",
        "1 March 2024, 00:00 +10:00",
        "1709215200",
        "yesterday",
        "２024-03-01 00:00:00+10:00",  # noqa: RUF001 - what is to be refused
        "\0",
    ],
)
def test_bad_times_are_refused(store: Store, text: str) -> None:
    said = refusal(store, written(FILLED | {START: text}))
    assert said == f"Row 1: cannot read the execution start time {text}."
    assert "the execution end time" in refusal(store, written(FILLED | {END: text}))


def test_a_run_must_not_end_before_it_starts(store: Store) -> None:
    text = written(FILLED | {END: "2024-02-29 23:59:59+10:00"})
    expected = "Row 1: the execution start time is after the execution end time."
    assert refusal(store, text) == expected
    converted(store, written(FILLED | {END: FILLED[START]}))


def test_rows_of_jobs_are_reported_and_not_read(store: Store) -> None:
    job = {"_job_id": " job-1 ", "display name": ""}
    found = converted(store, written(FILLED, job, job))
    assert (found.new_records, found.existing_records) == ([RECORD], ["job-1", "job-1"])


def test_a_job_that_is_not_there_is_refused(store: Store) -> None:
    text = written(FILLED | {"_job_id": "job-2"})
    assert refusal(store, text) == "Row 1: could not find the job of _job_id job-2."


def test_unknown_columns_give_a_warning_each(store: Store) -> None:
    headers = [*HEADERS[:3], "weather", *HEADERS[3:], "mood", ""]
    row = FILLED | {"weather": "fine", "": "?"}
    assert converted(store, written(row, row, headers=headers)) == Converted(
        [RECORD, RECORD],
        [],
        [
            "Column 4, weather, is not known and was ignored.",
            "Column 23, mood, is not known and was ignored.",
            "Column 24 has no header and was ignored.",
        ],
    )


def test_columns_must_not_occur_twice(store: Store) -> None:
    text = ",".join([HEADERS[0], "study id", "agent id", " study id", "agent id", "", ""])
    assert refusal(store, text) == "The CSV file has duplicate headers: study id, agent id."


def test_templates_that_share_a_resource_key_have_a_column_twice(store: Store) -> None:
    text = template(store, "10378.1/8")
    assert "duplicate headers: Input resource: boundary." in refusal(store, text)


@pytest.mark.parametrize("missing", HEADERS[1:])
def test_every_column_must_be_there(store: Store, missing: str) -> None:
    headers = [header for header in HEADERS if header != missing]
    text = written(headers=headers) + "x"
    assert refusal(store, text) == f"The CSV file lacks headers: {missing}."


@pytest.mark.parametrize(
    "first", ["", "\n", "name", "_workflow template id", "workflow template id 10378.1/1"]
)
def test_the_first_column_must_name_a_workflow_template(store: Store, first: str) -> None:
    text = ",".join([first, *HEADERS[1:]]) if first.strip() else first
    expected = "The CSV file has no header that names the workflow template id."
    assert refusal(store, text) == expected


def test_the_workflow_template_must_be_there(store: Store) -> None:
    text = "_workflow template id 10378.1/404,display name\n,run"
    assert refusal(store, text) == "Could not find workflow template with id 10378.1/404."


@pytest.mark.parametrize("below", ["", "\n\n", ",,,\r\n", " \n,\t,"])
def test_there_must_be_rows(store: Store, below: str) -> None:
    assert refusal(store, written() + below) == "The CSV file contains no rows."


def test_rows_without_a_value_are_passed_over_and_counted(store: Store) -> None:
    header, row = written(FILLED).splitlines()
    text = "\n".join([header, "", row, ",,,", row.replace("A hindcast.", "")])
    assert refusal(store, text) == "Row 4: description is empty."


def test_a_row_may_be_short_but_not_long(store: Store) -> None:
    header, row = written(FILLED).splitlines()
    short = f"{header}\n{row.rstrip(',')}"
    assert converted(store, short).new_records == [RECORD]
    said = refusal(store, f"{header}\n{row},1.5")
    assert said == "Row 1: has 22 cells, but there are 21 columns."


def test_text_survives_as_it_is(store: Store) -> None:
    text = 'one,\r\ntwo\n"three"\rfour\0five =1+1 🐚'
    (record,) = converted(store, written(FILLED | {"description": text})).new_records
    assert record.description == text


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_lines_may_end_in_any_way(store: Store, end: str, mark: str) -> None:
    text = mark + written(FILLED, FILLED).replace("\r\n", end)
    assert converted(store, text).new_records == [RECORD, RECORD]


def test_a_quote_must_be_closed(store: Store) -> None:
    header, row = written(FILLED).splitlines()
    said = refusal(store, f'{header}\n{row}\n,"Flow\n{row}\n')
    assert said.startswith("Line 4 is not CSV: ")


def test_a_cell_may_be_too_large(store: Store) -> None:
    text = written(FILLED | {"description": "x" * (csv.field_size_limit() + 1)})
    assert refusal(store, text).startswith("Line 2 is not CSV: field larger than field limit")


def test_a_reason_does_not_repeat_whole_cells(store: Store) -> None:
    assert len(refusal(store, written(FILLED | {START: "x" * 10_000}))) < 200


@settings(derandomize=True, deadline=None, database=None)
@given(text=st.text() | st.text(alphabet=',"\r\n\0 x').map(lambda rest: written(FILLED) + rest))
def test_whatever_a_file_holds_there_is_a_reason_or_a_result(text: str) -> None:
    with Store() as store:
        store.put_items([workflow_template(TEMPLATE)])
        try:
            found = converted(store, text)
        except CSVError:
            return
        assert found.new_records or found.existing_records


# Regeneration


def test_a_batch_has_a_row_for_each_job(store: Store) -> None:
    text = regenerate(
        store,
        [
            BatchRow(RECORD, "job-1", "SUCCEEDED", "10378.1/30", "not for this one"),
            BatchRow(RECORD, "job-2", "FAILED", None, "Could not find dataset."),
            BatchRow(RECORD, "job-3", "PENDING"),
        ],
    )
    header, *rows = read(text)
    times = {START: "2024-02-29 14:00:00+00:00", END: "2024-03-07 14:00:00+00:00"}
    filled = ["", *((FILLED | times)[header] for header in HEADERS[1:-4])]
    assert header == HEADERS
    assert rows == [
        [*filled, "job-1", "SUCCEEDED", "10378.1/30", ""],
        [*filled, "job-2", "FAILED", "", "Could not find dataset."],
        [*filled, "job-3", "PENDING", "", ""],
    ]


def test_a_regenerated_row_names_a_job_that_exists(store: Store) -> None:
    text = regenerate(store, [BatchRow(RECORD, "job-1", "SUCCEEDED")])
    assert converted(store, text) == Converted([], ["job-1"], [])


def test_what_a_record_lacks_is_left_empty(store: Store) -> None:
    record = attrs.evolve(RECORD, inputs=[], outputs=[], annotations=None)
    _, row = read(regenerate(store, [BatchRow(record, "job-1", "FAILED")]))
    assert row[8:17] == [""] * 9


def test_a_batch_must_have_jobs(store: Store) -> None:
    with pytest.raises(CSVError, match=r"^The batch contains no model runs\.$"):
        regenerate(store, [])


def test_a_batch_must_not_mix_workflow_templates(store: Store) -> None:
    other = attrs.evolve(RECORD, workflow_template_id="10378.1/6")
    rows = [BatchRow(record, "job", "SUCCEEDED") for record in (RECORD, other)]
    expected = r"^The batch contains model runs of more than one workflow template\.$"
    with pytest.raises(CSVError, match=expected):
        regenerate(store, iter(rows))


def test_the_workflow_template_of_a_batch_must_be_there(store: Store) -> None:
    record = attrs.evolve(RECORD, workflow_template_id="10378.1/404")
    with pytest.raises(CSVError, match=r"workflow template with id 10378\.1/404\.$"):
        regenerate(store, [BatchRow(record, "job", "FAILED")])


@pytest.mark.parametrize("time", [-(2**63), -62135596801, 253402300800, 2**63 - 1])
def test_a_time_that_is_no_date_is_refused(store: Store, time: int) -> None:
    record = attrs.evolve(RECORD, start_time=time)
    with pytest.raises(CSVError, match=f"^The time {time} cannot be written as a date"):
        regenerate(store, [BatchRow(record, "job", "FAILED")])


# There and back: any workflow template, and any record of it that a file can hold

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(str.strip).filter(bool)
MAYBE = st.none() | TEXT
TIMES = st.integers(
    int(datetime.min.replace(tzinfo=UTC).timestamp()),
    int(datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp()),
)
Side = list[tuple[Item, bool]]


@st.composite
def sides(draw: st.DrawFn, first: int) -> Side:
    keys = draw(st.lists(TEXT, unique=True, max_size=4))
    count = draw(st.integers(0, 3))
    split = sorted(draw(st.lists(st.integers(0, len(keys)), min_size=count, max_size=count)))
    starts = [0, *split]
    return [
        (
            dataset_template(f"10378.1/{first + number}", draw(TEXT), *keys[start:end]),
            draw(st.booleans()),
        )
        for number, (start, end) in enumerate(zip(starts, split, strict=False))
    ]


@st.composite
def datasets(draw: st.DrawFn, side: Side) -> list[TemplatedDataset]:
    return [
        TemplatedDataset(
            item.id,
            draw(TEXT),
            DatasetType.DATA_STORE,
            {one["key"]: draw(TEXT) for one in item.body["deferred_resources"]} or None,
        )
        for item, optional in side
        if not optional or draw(st.booleans())
    ]


def uses(side: Side) -> list[dict[str, Any]]:
    return [{"template_id": item.id, "optional": optional} for item, optional in side]


@settings(
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(data=st.data())
def test_a_regenerated_file_converts_to_the_same_records(data: st.DataObject) -> None:
    inputs, outputs = data.draw(sides(100)), data.draw(sides(200))
    keys = data.draw(st.lists(TEXT, unique=True, max_size=4))
    required = keys[: data.draw(st.integers(0, len(keys)))]
    optional = keys[len(required) :]
    body = {
        "input_templates": uses(inputs),
        "output_templates": uses(outputs),
        "annotations": {"required": required, "optional": optional},
    }
    records = []
    for _ in range(data.draw(st.integers(1, 3))):
        annotations = {
            key: data.draw(TEXT) for key in keys if key in required or data.draw(st.booleans())
        }
        start, end = sorted([data.draw(TIMES), data.draw(TIMES)])
        records.append(
            ModelRunRecord(
                workflow_template_id=TEMPLATE,
                inputs=data.draw(datasets(inputs)),
                outputs=data.draw(datasets(outputs)),
                display_name=data.draw(TEXT),
                description=data.draw(TEXT),
                associations=AssociationInfo(data.draw(TEXT)),
                start_time=start,
                end_time=end,
                model_version=data.draw(MAYBE),
                annotations=annotations or None,
                study_id=data.draw(MAYBE),
            )
        )
    rows = [
        BatchRow(
            record, "", data.draw(st.sampled_from(["FAILED", "PENDING"])), None, data.draw(MAYBE)
        )
        for record in records
    ]
    with Store() as store:
        store.put_items([item for item, _ in inputs + outputs])
        store.put_items([workflow_template(TEMPLATE, **body)])
        assert converted(store, regenerate(store, rows)) == Converted(records, [], [])
