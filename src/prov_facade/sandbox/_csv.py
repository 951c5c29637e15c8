"""The CSV files of bulk registration: made for a workflow template, read, and made for a batch.

Nothing is registered here. Whether the ids in a file exist is found out when its records are
registered, as for any other record.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO

import msgspec
from attrs import field, frozen
from dateutil import parser as dates

from prov_facade.models import AssociationInfo, DatasetType, ModelRunRecord, TemplatedDataset
from prov_facade.sandbox._store import Item, Store

_MARKER = "_workflow template id"
_DISPLAY_NAME = "display name"
_DESCRIPTION = "description"
_MODEL_VERSION = "model version (optional)"
_AGENT_ID = "agent id"
_STUDY_ID = "study id"
_START_TIME = "execution start time (YYYY-MM-DD HH:MM:SS+HH:MM)"
_END_TIME = "execution end time (YYYY-MM-DD HH:MM:SS+HH:MM)"
_JOB_ID = "_job_id"

_GENERAL = (
    _DISPLAY_NAME,
    _DESCRIPTION,
    _MODEL_VERSION,
    _AGENT_ID,
    _STUDY_ID,
    _START_TIME,
    _END_TIME,
)
_OF_JOB = (_JOB_ID, "_job_status", "_model_run_record_id", "_error_info")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_LONGEST_QUOTE = 100


class CSVError(Exception):
    """A file or a batch that cannot be used. Its text says why, for a person."""


@frozen
class Converted:
    """What a file holds.

    Attributes:
        new_records: The records of the rows that name no job.
        existing_records: The ids of the jobs that rows name, one for each such row.
        warnings: What was passed over.
    """

    new_records: list[ModelRunRecord]
    existing_records: list[str]
    warnings: list[str]


@frozen
class BatchRow:
    """A job of a batch.

    Attributes:
        record: The model run that it registers.
        job_id: Its session id.
        job_status: How far it is.
        model_run_record_id: The handle of the model run, once there is one.
        error_info: Why it failed. For other jobs it is left out.
    """

    record: ModelRunRecord
    job_id: str
    job_status: str
    model_run_record_id: str | None = None
    error_info: str | None = None


def template(store: Store, workflow_template_id: str) -> str:
    """Make the file that people fill in for a workflow template: its header row.

    Raises:
        CSVError: If there is no such workflow template.
    """
    return _written([_columns(store, workflow_template_id).headers])


def convert(store: Store, text: str, job_status: Callable[[str], bool]) -> Converted:
    """Read the model runs of a file that was filled in.

    Args:
        store: Where the templates are.
        text: The file.
        job_status: Says whether there is a job of an id.

    Returns:
        The records, the jobs that were there before, and the warnings.

    Raises:
        CSVError: If the file is no CSV, if columns are missing or occur twice, if it has no rows,
            if a row is too long, names a job that is not there, or lacks a value or has one that
            cannot be read.
    """
    headers, *rows = _read(text) or [[]]
    twice = [header for header, times in Counter(filter(None, headers)).items() if times > 1]
    if twice:
        raise CSVError(f"The CSV file has duplicate headers: {', '.join(twice)}.")
    if not headers or not headers[0].startswith(f"{_MARKER} "):
        raise CSVError("The CSV file has no header that names the workflow template id.")
    columns = _columns(store, headers[0].removeprefix(_MARKER).strip())
    missing = [header for header in columns.headers[1:] if header not in headers]
    if missing:
        raise CSVError(f"The CSV file lacks headers: {', '.join(missing)}.")

    filled = [
        _Row(number, headers, cells)
        for number, cells in enumerate(rows, 1)
        # Spreadsheets keep the commas of rows that were emptied.
        if any(cells)
    ]
    if not filled:
        raise CSVError("The CSV file contains no rows.")
    converted = Converted([], [], list(_warnings(columns, headers)))
    for row in filled:
        job_id = row.optional(_JOB_ID)
        if job_id is None:
            converted.new_records.append(_record(columns, row))
        elif job_status(job_id):
            converted.existing_records.append(job_id)
        else:
            raise row.error(f"could not find the job of {_JOB_ID} {_shortened(job_id)}.")
    return converted


def regenerate(store: Store, rows: Iterable[BatchRow]) -> str:
    """Make the file of a batch, with a row for each job.

    What the columns have no place for is left out: the requesting organisation, and whatever a
    record has beyond its template. What a record lacks is left empty: a job that failed for that is
    still to be mended.

    Raises:
        CSVError: If there are no rows, if they do not share one workflow template or there is no
            such template, or if a time is one that dates do not reach.
    """
    rows = list(rows)
    if not rows:
        raise CSVError("The batch contains no model runs.")
    template_id, *others = {row.record.workflow_template_id for row in rows}
    if others:
        raise CSVError("The batch contains model runs of more than one workflow template.")
    columns = _columns(store, template_id)
    return _written([columns.headers, *(_cells(columns, row) for row in rows)])


# The columns of a workflow template


@frozen
class _TemplateInUse:
    template_id: str
    optional: bool = False


@frozen
class _Annotations:
    required: list[str] = field(factory=list)
    optional: list[str] = field(factory=list)


@frozen
class _WorkflowTemplate:
    input_templates: list[_TemplateInUse] = field(factory=list)
    output_templates: list[_TemplateInUse] = field(factory=list)
    annotations: _Annotations | None = None


@frozen
class _Resource:
    key: str


@frozen
class _DatasetTemplate:
    deferred_resources: list[_Resource] = field(factory=list)


@frozen
class _Place:
    """The columns of a dataset template; resources are headers by key."""

    template_id: str
    optional: bool
    header: str
    resources: dict[str, str]

    @property
    def headers(self) -> list[str]:
        return [self.header, *self.resources.values()]


@frozen
class _Columns:
    """The columns of a workflow template; annotations are headers by key."""

    template_id: str
    inputs: list[_Place]
    outputs: list[_Place]
    required_annotations: dict[str, str]
    optional_annotations: dict[str, str]

    @property
    def headers(self) -> list[str]:
        places = [header for place in self.inputs + self.outputs for header in place.headers]
        return [
            f"{_MARKER} {self.template_id}",
            *_GENERAL,
            *places,
            *self.required_annotations.values(),
            *self.optional_annotations.values(),
            *_OF_JOB,
        ]


def _columns(store: Store, template_id: str) -> _Columns:
    item = _item(store, template_id, "WORKFLOW_TEMPLATE", "workflow template")
    body = msgspec.convert(item.body, _WorkflowTemplate)
    annotations = body.annotations or _Annotations()
    return _Columns(
        template_id,
        inputs=[_place(store, "Input", used) for used in body.input_templates],
        outputs=[_place(store, "Output", used) for used in body.output_templates],
        required_annotations={key: _header("annotation", key) for key in annotations.required},
        optional_annotations={key: _header("annotation", key) for key in annotations.optional},
    )


def _place(store: Store, side: str, used: _TemplateInUse) -> _Place:
    item = _item(store, used.template_id, "DATASET_TEMPLATE", "dataset template")
    resources = msgspec.convert(item.body, _DatasetTemplate).deferred_resources
    return _Place(
        item.id,
        used.optional,
        f"{side} dataset id for template: {item.display_name} [template id: {item.id}]",
        {resource.key: _header(f"{side} resource", resource.key) for resource in resources},
    )


def _header(kind: str, key: str) -> str:
    # Stripped, as those of a file are before they are compared with it.
    return f"{kind}: {key}".strip()


def _item(store: Store, item_id: str, subtype: str, called: str) -> Item:
    item = store.item(item_id)
    if item is None or item.item_subtype != subtype:
        raise CSVError(f"Could not find {called} with id {_shortened(item_id)}.")
    return item


# Reading


class _Row:
    """A row below the header row. Cells that it lacks are empty."""

    def __init__(self, number: int, headers: Sequence[str], cells: Sequence[str]) -> None:
        self._number = number
        if len(cells) > len(headers):
            raise self.error(f"has {len(cells)} cells, but there are {len(headers)} columns.")
        self._cells = dict(zip(headers, cells, strict=False))

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
        # Told what stands between date and time, dateutil would take nothing else.
        iso = cell.replace("/", "-").replace(" ", "T", 1)
        try:
            found = dates.isoparser(sep="T").isoparse(iso)
        except (ValueError, OverflowError):
            found = None
        if found is None or found.tzinfo is None:
            name = header.partition(" (")[0]
            raise self.error(f"cannot read the {name} {_shortened(cell)}.")
        return (found - _EPOCH) // _SECOND


def _read(text: str) -> list[list[str]]:
    # Strict: a quote that is never closed would swallow the rest of the file.
    reader = csv.reader(StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        return [[cell.strip() for cell in row] for row in reader]
    except csv.Error as error:
        raise CSVError(f"Line {reader.line_num} is not CSV: {error}.") from error


def _warnings(columns: _Columns, headers: Sequence[str]) -> Iterator[str]:
    known = set(columns.headers)
    for number, header in enumerate(headers[1:], 2):
        if not header:
            yield f"Column {number} has no header and was ignored."
        elif header not in known:
            yield f"Column {number}, {_shortened(header)}, is not known and was ignored."


def _record(columns: _Columns, row: _Row) -> ModelRunRecord:
    annotations = {key: row.required(head) for key, head in columns.required_annotations.items()}
    for key, header in columns.optional_annotations.items():
        value = row.optional(header)
        if value is not None:
            annotations[key] = value
    record = ModelRunRecord(
        workflow_template_id=columns.template_id,
        inputs=_datasets(columns.inputs, row),
        outputs=_datasets(columns.outputs, row),
        display_name=row.required(_DISPLAY_NAME),
        description=row.required(_DESCRIPTION),
        associations=AssociationInfo(modeller_id=row.required(_AGENT_ID)),
        start_time=row.time(_START_TIME),
        end_time=row.time(_END_TIME),
        model_version=row.optional(_MODEL_VERSION),
        annotations=annotations or None,
        study_id=row.optional(_STUDY_ID),
    )
    if record.start_time > record.end_time:
        raise row.error("the execution start time is after the execution end time.")
    return record


def _datasets(places: Iterable[_Place], row: _Row) -> list[TemplatedDataset]:
    return [
        TemplatedDataset(
            dataset_template_id=place.template_id,
            dataset_id=row.required(place.header),
            dataset_type=DatasetType.DATA_STORE,
            resources={key: row.required(head) for key, head in place.resources.items()} or None,
        )
        for place in places
        if not place.optional or any(row.optional(header) for header in place.headers)
    ]


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"


# Writing


def _written(rows: Iterable[Sequence[str]]) -> str:
    text = StringIO(newline="")
    # RFC 4180's line ends, which the server writes too. With "\n" alone, Python 3.11 and 3.12 would
    # not quote a cell that has a "\r", and the file could not be read again.
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _cells(columns: _Columns, row: BatchRow) -> list[str]:
    record = row.record
    annotations = record.annotations or {}
    return [
        "",
        record.display_name,
        record.description,
        record.model_version or "",
        record.associations.modeller_id,
        record.study_id or "",
        _iso(record.start_time),
        _iso(record.end_time),
        *_dataset_cells(columns.inputs, record.inputs),
        *_dataset_cells(columns.outputs, record.outputs),
        *(annotations.get(key, "") for key in columns.required_annotations),
        *(annotations.get(key, "") for key in columns.optional_annotations),
        row.job_id,
        row.job_status,
        row.model_run_record_id or "",
        (row.error_info or "") if row.job_status == "FAILED" else "",
    ]


def _dataset_cells(places: Iterable[_Place], datasets: Iterable[TemplatedDataset]) -> Iterator[str]:
    by_template = {dataset.dataset_template_id: dataset for dataset in datasets}
    for place in places:
        dataset = by_template.get(place.template_id)
        resources = (dataset and dataset.resources) or {}
        yield dataset.dataset_id if dataset else ""
        yield from (resources.get(key, "") for key in place.resources)


def _iso(time: int) -> str:
    try:
        return (_EPOCH + time * _SECOND).isoformat(sep=" ")
    except OverflowError as error:
        raise CSVError(f"The time {time} cannot be written as a date.") from error
