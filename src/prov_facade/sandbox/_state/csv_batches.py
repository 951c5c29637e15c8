"""The CSV files of bulk registration: made for a workflow template, read, and made for a batch.

Nothing is registered here. Datasets that are not there are found out at once; whether the other ids
in a file exist, when its records are registered, as for any other record.

The server reads files with Python's ``csv.DictReader`` and takes them as they are: neither headers
nor a byte order mark are stripped, and a row has to have a cell for each column. So it is here, for
a file that passes here to pass there. Where a workflow template calls something optional, though,
its cells may be left empty here, and the server insists on them.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO

import msgspec
from attrs import field, frozen

from prov_api_client.types import prepare
from prov_facade.models import AssociationInfo, DatasetType, ModelRunRecord, TemplatedDataset
from prov_facade.sandbox._state.store import Item, Store

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
        CSVError: If there is no such workflow template, or if it would have a column twice.
    """
    headers = _columns(store, workflow_template_id).headers
    _expect_once("The CSV template", headers)
    return _written([headers])


def convert(store: Store, text: str, job_exists: Callable[[str], bool]) -> Converted:
    """Read the model runs of a file that was filled in.

    Args:
        store: Where the templates are.
        text: The file.
        job_exists: Says whether there is a job of an id.

    Returns:
        The records, the jobs that were there before, and the warnings.

    Raises:
        CSVError: If the file is no CSV, if columns are missing or occur twice, if it has no rows,
            if a row has not as many cells as there are columns, names a job or a dataset that is
            not there, or lacks a value or has one that cannot be read.
    """
    headers, *lines = _read(text) or [[]]
    _expect_once("The CSV file", headers)
    if not headers or not headers[0].startswith(f"{_MARKER} "):
        raise CSVError("The CSV file has no header that names the workflow template id.")
    columns = _columns(store, headers[0].removeprefix(f"{_MARKER} "))
    missing = [header for header in columns.headers if header not in headers]
    if missing:
        raise CSVError(f"The CSV file lacks headers: {', '.join(missing)}.")

    rows = list(filter(None, lines))
    if not rows:
        raise CSVError("The CSV file contains no rows.")
    converted = Converted([], [], list(_warnings(columns, headers)))
    for number, cells in enumerate(rows, 1):
        row = _Row(number, headers, cells)
        job_id = row.optional(_JOB_ID)
        if job_id is None:
            converted.new_records.append(_record(store, columns, row))
        elif job_exists(job_id):
            converted.existing_records.append(job_id)
        else:
            raise row.error(f"could not find the job of {_JOB_ID} {_shortened(job_id)}.")
    return converted


def regenerate(store: Store, rows: Iterable[BatchRow]) -> str:
    """Make the file of a batch, with a row for each job.

    What the columns have no place for is left out: the requesting organisation, all datasets for a
    dataset template but the first, and whatever a record has beyond its template. What a record
    lacks and need not have is left empty.

    Raises:
        CSVError: If there are no rows, if they do not share one workflow template or there is no
            such template, if a record lacks what its template requires, or if a time is one that
            dates do not reach.
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
    optional: bool = False


@frozen
class _DatasetTemplate:
    deferred_resources: list[_Resource] = field(factory=list)


prepare(_WorkflowTemplate, _DatasetTemplate)


@frozen
class _Place:
    """The columns of a dataset template; resources are headers by key."""

    template_id: str
    optional: bool
    header: str
    resources: dict[str, str]
    optional_resources: frozenset[str]

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
        required_annotations={key: f"annotation: {key}" for key in annotations.required},
        optional_annotations={key: f"annotation: {key}" for key in annotations.optional},
    )


def _place(store: Store, side: str, used: _TemplateInUse) -> _Place:
    item = _item(store, used.template_id, "DATASET_TEMPLATE", "dataset template")
    resources = msgspec.convert(item.body, _DatasetTemplate).deferred_resources
    return _Place(
        item.id,
        used.optional,
        f"{side} dataset id for template: {item.display_name} [template id: {item.id}]",
        {resource.key: f"{side} resource: {resource.key}" for resource in resources},
        frozenset(resource.key for resource in resources if resource.optional),
    )


def _expect_once(source: str, headers: Iterable[str]) -> None:
    twice = [header for header, times in Counter(headers).items() if times > 1]
    if twice:
        raise CSVError(f"{source} has duplicate headers: {', '.join(map(repr, twice))}.")


def _item(store: Store, item_id: str, subtype: str, called: str) -> Item:
    item = store.item(item_id)
    if item is None or item.item_subtype != subtype:
        raise CSVError(f"Could not find {called} with id {_shortened(item_id)}.")
    return item


# Reading


class _Row:
    """A row below the header row. Lines with nothing in them are not counted."""

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
            found = datetime.fromisoformat(cell.replace("/", "-"))
        except (ValueError, OverflowError):
            found = None
        if found is None or found.tzinfo is None:
            name = header.partition(" (")[0]
            raise self.error(f"cannot read the {name} {_shortened(cell)}.")
        return (found - _EPOCH) // _SECOND


def _read(text: str) -> list[list[str]]:
    reader = csv.reader(StringIO(text))
    try:
        return list(reader)
    except csv.Error as error:
        raise CSVError(f"Line {reader.line_num} is not CSV: {error}.") from error


def _warnings(columns: _Columns, headers: Sequence[str]) -> Iterator[str]:
    known = set(columns.headers)
    for header in headers:
        if header not in known:
            yield f"Extra column with header '{header}' provided, ignoring"


def _record(store: Store, columns: _Columns, row: _Row) -> ModelRunRecord:
    annotations = {key: row.required(head) for key, head in columns.required_annotations.items()}
    for key, header in columns.optional_annotations.items():
        value = row.optional(header)
        if value is not None:
            annotations[key] = value
    record = ModelRunRecord(
        workflow_template_id=columns.template_id,
        inputs=_datasets(store, columns.inputs, row),
        outputs=_datasets(store, columns.outputs, row),
        display_name=row.required(_DISPLAY_NAME),
        description=row.required(_DESCRIPTION),
        associations=AssociationInfo(modeller_id=row.optional(_AGENT_ID) or ""),
        start_time=row.time(_START_TIME),
        end_time=row.time(_END_TIME),
        model_version=row.optional(_MODEL_VERSION),
        annotations=annotations or None,
        study_id=row.optional(_STUDY_ID),
    )
    if record.start_time > record.end_time:
        raise row.error("the execution start time is after the execution end time.")
    return record


def _datasets(store: Store, places: Iterable[_Place], row: _Row) -> list[TemplatedDataset]:
    return [
        TemplatedDataset(
            dataset_template_id=place.template_id,
            dataset_id=_dataset_id(store, place, row),
            dataset_type=DatasetType.DATA_STORE,
            resources={
                key: row.required(header)
                for key, header in place.resources.items()
                if key not in place.optional_resources or row.optional(header)
            }
            or None,
        )
        for place in places
        if not place.optional or any(row.optional(header) for header in place.headers)
    ]


def _dataset_id(store: Store, place: _Place, row: _Row) -> str:
    dataset_id = row.required(place.header)
    item = store.item(dataset_id)
    if item is None or item.item_subtype != "DATASET":
        raise row.error(f"could not find the dataset {_shortened(dataset_id)}.")
    return dataset_id


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
    places: Iterable[_Place], datasets: Iterable[TemplatedDataset], row: BatchRow
) -> Iterator[str]:
    first: dict[str, TemplatedDataset] = {}
    for dataset in datasets:
        first.setdefault(dataset.dataset_template_id, dataset)
    for place in places:
        given = first.get(place.template_id)
        dataset_id = given.dataset_id if given else None
        yield _cell(row, place.header, dataset_id, optional=place.optional)
        resources = (given and given.resources) or {}
        for key, header in place.resources.items():
            optional = given is None or key in place.optional_resources
            yield _cell(row, header, resources.get(key), optional=optional)


def _cell(row: BatchRow, header: str, value: str | None, *, optional: bool = False) -> str:
    if value is None and not optional:
        raise CSVError(f"The record of job {row.job_id} has nothing for {header}.")
    return value or ""


def _iso(time: int) -> str:
    try:
        return (_EPOCH + time * _SECOND).isoformat(sep=" ")
    except OverflowError as error:
        raise CSVError(f"The time {time} cannot be written as a date.") from error
