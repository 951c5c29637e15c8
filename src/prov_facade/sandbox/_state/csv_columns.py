"""The columns of CSV files for bulk registration.

The server reads files with Python's ``csv.DictReader`` and changes nothing: it strips neither
headers nor a byte order mark, and a row must have a cell for each column. The sandbox does the
same. Like the server, it requires even the datasets and resources that a template calls optional.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
from attrs import field, frozen

from prov_api_client.types import prepare
from prov_facade.sandbox._state.store import Item, Store

MARKER = "_workflow template id"
DISPLAY_NAME = "display name"
DESCRIPTION = "description"
MODEL_VERSION = "model version (optional)"
AGENT_ID = "agent id"
STUDY_ID = "study id"
START_TIME = "execution start time (YYYY-MM-DD HH:MM:SS+HH:MM)"
END_TIME = "execution end time (YYYY-MM-DD HH:MM:SS+HH:MM)"
JOB_ID = "_job_id"

_GENERAL_COLUMNS = (
    DISPLAY_NAME,
    DESCRIPTION,
    MODEL_VERSION,
    AGENT_ID,
    STUDY_ID,
    START_TIME,
    END_TIME,
)
_JOB_COLUMNS = (JOB_ID, "_job_status", "_model_run_record_id", "_error_info")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
_MAX_QUOTE_LENGTH = 100


class CSVError(Exception):
    """A file or a batch that cannot be used. The message says why.

    Attributes:
        status: The status of the response.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@frozen
class _TemplateUse:
    template_id: str


@frozen
class _Annotations:
    required: list[str] = field(factory=list)
    optional: list[str] = field(factory=list)


@frozen
class _WorkflowTemplate:
    input_templates: list[_TemplateUse] = field(factory=list)
    output_templates: list[_TemplateUse] = field(factory=list)
    annotations: _Annotations | None = None


@frozen
class _Resource:
    key: str


@frozen
class _DatasetTemplate:
    deferred_resources: list[_Resource] = field(factory=list)


prepare(_WorkflowTemplate, _DatasetTemplate)


@frozen
class DatasetColumns:
    """The columns of a dataset template; ``resources`` maps keys to headers."""

    template_id: str
    header: str
    resources: dict[str, str]

    @property
    def headers(self) -> list[str]:
        """All headers."""
        return [self.header, *self.resources.values()]


@frozen
class Columns:
    """The columns of a workflow template; annotations map keys to headers."""

    template_id: str
    inputs: list[DatasetColumns]
    outputs: list[DatasetColumns]
    required_annotations: dict[str, str]
    optional_annotations: dict[str, str]

    @property
    def headers(self) -> list[str]:
        """All headers, in order."""
        datasets = [header for each in self.inputs + self.outputs for header in each.headers]
        return [
            f"{MARKER} {self.template_id}",
            *_GENERAL_COLUMNS,
            *datasets,
            *self.required_annotations.values(),
            *self.optional_annotations.values(),
            *_JOB_COLUMNS,
        ]


def columns_of(store: Store, template_id: str) -> Columns:
    """Return the columns of a workflow template.

    Raises:
        CSVError: If the workflow template or one of its dataset templates does not exist.
    """
    item = _item(store, template_id, "WORKFLOW_TEMPLATE", "workflow template")
    body = msgspec.convert(item.body, _WorkflowTemplate)
    annotations = body.annotations or _Annotations()
    return Columns(
        template_id,
        inputs=[_dataset_columns(store, "Input", used) for used in body.input_templates],
        outputs=[_dataset_columns(store, "Output", used) for used in body.output_templates],
        required_annotations={key: f"annotation: {key}" for key in annotations.required},
        optional_annotations={key: f"annotation: {key}" for key in annotations.optional},
    )


def _dataset_columns(store: Store, side: str, used: _TemplateUse) -> DatasetColumns:
    item = _item(store, used.template_id, "DATASET_TEMPLATE", "dataset template")
    resources = msgspec.convert(item.body, _DatasetTemplate).deferred_resources
    return DatasetColumns(
        item.id,
        f"{side} dataset id for template: {item.display_name} [template id: {item.id}]",
        {resource.key: f"{side} resource: {resource.key}" for resource in resources},
    )


def check_unique(source: str, headers: Iterable[str], *, status: int = 400) -> None:
    """Check that no header occurs twice.

    Raises:
        CSVError: If a header occurs twice.
    """
    duplicates = [header for header, times in Counter(headers).items() if times > 1]
    if duplicates:
        listed = ", ".join(map(repr, duplicates))
        raise CSVError(f"{source} has duplicate headers: {listed}.", status)


def _item(store: Store, item_id: str, subtype: str, called: str) -> Item:
    item = store.item(item_id)
    if item is None or item.item_subtype != subtype:
        raise CSVError(f"Could not find {called} with id {shorten(item_id)}.")
    return item


def shorten(text: str) -> str:
    """Shorten a value from a file for an error message."""
    return text if len(text) <= _MAX_QUOTE_LENGTH else f"{text[:_MAX_QUOTE_LENGTH]}…"
