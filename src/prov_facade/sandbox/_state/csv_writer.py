"""Writes CSV files of bulk registration: templates, and the files of batches."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

from attrs import frozen

from prov_facade.models import ModelRunRecord, TemplatedDataset
from prov_facade.sandbox._state.csv_columns import (
    EPOCH,
    SECOND,
    Columns,
    CSVError,
    DatasetColumns,
    check_unique,
    columns_of,
)
from prov_facade.sandbox._state.store import Store


@frozen
class BatchRow:
    """A job of a batch.

    Attributes:
        record: The model run that it registers.
        job_id: The session id.
        job_status: The status.
        model_run_record_id: The handle of the model run, if it is registered.
        error_info: Why the job failed; only written for failed jobs.
    """

    record: ModelRunRecord
    job_id: str
    job_status: str
    model_run_record_id: str | None = None
    error_info: str | None = None


def template(store: Store, workflow_template_id: str) -> str:
    """Return the CSV template of a workflow template: its header row.

    Raises:
        CSVError: If the workflow template does not exist, or the file would have duplicate columns.
    """
    headers = columns_of(store, workflow_template_id).headers
    check_unique("The CSV template", headers, status=500)
    return _csv([headers])


def regenerate(store: Store, rows: Sequence[BatchRow]) -> str:
    """Return the file of a batch, with a row for each job.

    Values without a column are omitted: the requesting organisation, all datasets of a dataset
    template except the first, and everything that is not in the workflow template. Missing optional
    annotations become empty cells.

    Args:
        store: Contains the templates.
        rows: The jobs, at least one.

    Raises:
        CSVError: If they have different workflow templates or theirs does not exist, or if a record
            lacks a value.
        OverflowError: If a time is not a valid date.
    """
    template_id, *others = {row.record.workflow_template_id for row in rows}
    if others:
        raise CSVError("The batch contains model runs of more than one workflow template.")
    columns = columns_of(store, template_id)
    return _csv([columns.headers, *(_cells(columns, row) for row in rows)])


def _csv(rows: Iterable[Sequence[str]]) -> str:
    text = StringIO(newline="")
    # The line endings of RFC 4180 and of the server. With "\n", Python 3.11 and 3.12 do not quote a
    # cell that contains "\r", and the file could not be read again.
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _cells(columns: Columns, row: BatchRow) -> list[str]:
    record = row.record
    annotations = record.annotations or {}
    return [
        "",
        record.display_name,
        record.description,
        record.model_version or "",
        record.associations.modeller_id,
        record.study_id or "",
        _format_time(record.start_time),
        _format_time(record.end_time),
        *_dataset_cells(columns.inputs, record.inputs, row),
        *_dataset_cells(columns.outputs, record.outputs, row),
        *(
            _cell(row, header, annotations.get(key))
            for key, header in columns.required_annotations.items()
        ),
        *(annotations.get(key, "") for key in columns.optional_annotations),
        row.job_id,
        row.job_status,
        row.model_run_record_id or "",
        (row.error_info or "") if row.job_status == "FAILED" else "",
    ]


def _dataset_cells(
    columns: Iterable[DatasetColumns], datasets: Iterable[TemplatedDataset], row: BatchRow
) -> Iterator[str]:
    first: dict[str, TemplatedDataset] = {}
    for dataset in datasets:
        first.setdefault(dataset.dataset_template_id, dataset)
    for dataset_columns in columns:
        given = first.get(dataset_columns.template_id)
        yield _cell(row, dataset_columns.header, given.dataset_id if given else None)
        resources = (given and given.resources) or {}
        for key, header in dataset_columns.resources.items():
            yield _cell(row, header, resources.get(key))


def _cell(row: BatchRow, header: str, value: str | None) -> str:
    if value is None:
        raise CSVError(f"The record of job {row.job_id} has no value for {header}.")
    return value


def _format_time(time: int) -> str:
    return (EPOCH + time * SECOND).isoformat(sep=" ")
