"""Reads the model runs in CSV files of bulk registration.

Nothing is registered here. Of the ids in a file, only datasets must exist at this point; the others
are checked when the records are registered. Like the server, the sandbox takes any UUID in the
column of job ids for that of an existing job.
"""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from io import StringIO

from attrs import frozen

from prov_facade.models import AssociationInfo, DatasetType, ModelRunRecord, TemplatedDataset
from prov_facade.sandbox._state.csv_columns import (
    AGENT_ID,
    DESCRIPTION,
    DISPLAY_NAME,
    END_TIME,
    EPOCH,
    JOB_ID,
    MARKER,
    MODEL_VERSION,
    SECOND,
    START_TIME,
    STUDY_ID,
    Columns,
    CSVError,
    DatasetColumns,
    check_unique,
    columns_of,
    shorten,
)
from prov_facade.sandbox._state.store import Store


@frozen
class Converted:
    """The content of a file.

    Attributes:
        new_records: The records of the rows without a job.
        existing_records: The job ids of the rows with one.
        warnings: A warning for each ignored column.
    """

    new_records: list[ModelRunRecord]
    existing_records: list[str]
    warnings: list[str]


def convert(store: Store, text: str) -> Converted:
    """Read the model runs in a file.

    Args:
        store: Contains the templates and datasets.
        text: The file.

    Returns:
        The records, the ids of jobs, and the warnings.

    Raises:
        CSVError: If the file is not CSV, has no rows, or has missing or duplicate columns; if a row
            has more or fewer cells than there are columns, refers to a dataset that does not exist,
            or has a value that is missing or cannot be parsed.
    """
    headers, *lines = _read(text) or [[]]
    check_unique("The CSV file", headers)
    if not headers or not headers[0].startswith(f"{MARKER} "):
        raise CSVError("The CSV file has no header that names the workflow template id.")
    columns = columns_of(store, headers[0].removeprefix(f"{MARKER} "))
    missing = [header for header in columns.headers if header not in headers]
    if missing:
        raise CSVError(f"The CSV file lacks headers: {', '.join(missing)}.")

    rows = list(filter(None, lines))
    if not rows:
        raise CSVError("The CSV file contains no rows.")
    converted = Converted([], [], list(_warnings(columns, headers)))
    for number, cells in enumerate(rows, 1):
        row = _Row(number, headers, cells)
        job_id = row.optional(JOB_ID)
        if job_id is None:
            converted.new_records.append(_record(store, columns, row))
        elif _is_uuid(job_id):
            converted.existing_records.append(job_id)
        else:
            raise row.error(f"the {JOB_ID} {shorten(job_id)} is not a UUID.")
    return converted


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


class _Row:
    """A row below the header row. Empty lines are not counted."""

    def __init__(self, number: int, headers: Sequence[str], cells: Sequence[str]) -> None:
        self._number = number
        if len(cells) != len(headers):
            raise self.error(f"has {len(cells)} cells, but there are {len(headers)} columns.")
        self._cells = {head: cell.strip() for head, cell in zip(headers, cells, strict=True)}

    def error(self, reason: str) -> CSVError:
        return CSVError(f"Row {self._number}: {reason}")

    def optional(self, header: str) -> str | None:
        return self._cells.get(header) or None

    def required(self, header: str) -> str:
        cell = self.optional(header)
        if cell is None:
            raise self.error(f"{header} is empty.")
        return cell

    def time(self, header: str) -> int:
        cell = self.required(header)
        try:
            parsed = datetime.fromisoformat(cell.replace("/", "-"))
        except (ValueError, OverflowError):
            parsed = None
        if parsed is None or parsed.tzinfo is None:
            name = header.partition(" (")[0]
            raise self.error(f"cannot read the {name} {shorten(cell)}.")
        return (parsed - EPOCH) // SECOND


def _read(text: str) -> list[list[str]]:
    reader = csv.reader(StringIO(text))
    try:
        return list(reader)
    except csv.Error as error:
        raise CSVError(f"Line {reader.line_num} is not CSV: {error}.") from error


def _warnings(columns: Columns, headers: Sequence[str]) -> Iterator[str]:
    known = set(columns.headers)
    for header in headers:
        if header not in known:
            yield f"Extra column with header '{header}' provided, ignoring"


def _record(store: Store, columns: Columns, row: _Row) -> ModelRunRecord:
    annotations = {key: row.required(head) for key, head in columns.required_annotations.items()}
    for key, header in columns.optional_annotations.items():
        value = row.optional(header)
        if value is not None:
            annotations[key] = value
    record = ModelRunRecord(
        workflow_template_id=columns.template_id,
        inputs=_datasets(store, columns.inputs, row),
        outputs=_datasets(store, columns.outputs, row),
        display_name=row.required(DISPLAY_NAME),
        description=row.required(DESCRIPTION),
        associations=AssociationInfo(modeller_id=row.optional(AGENT_ID) or ""),
        start_time=row.time(START_TIME),
        end_time=row.time(END_TIME),
        model_version=row.optional(MODEL_VERSION),
        annotations=annotations or None,
        study_id=row.optional(STUDY_ID),
    )
    if record.start_time > record.end_time:
        raise row.error("the execution start time is after the execution end time.")
    return record


def _datasets(store: Store, columns: Iterable[DatasetColumns], row: _Row) -> list[TemplatedDataset]:
    return [
        TemplatedDataset(
            dataset_template_id=dataset.template_id,
            dataset_id=_dataset_id(store, dataset, row),
            dataset_type=DatasetType.DATA_STORE,
            resources={key: row.required(header) for key, header in dataset.resources.items()}
            or None,
        )
        for dataset in columns
    ]


def _dataset_id(store: Store, dataset: DatasetColumns, row: _Row) -> str:
    dataset_id = row.required(dataset.header)
    item = store.item(dataset_id)
    if item is None or item.item_subtype != "DATASET":
        raise row.error(f"could not find the dataset {shorten(dataset_id)}.")
    return dataset_id
