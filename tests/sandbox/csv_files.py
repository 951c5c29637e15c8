"""A workflow template, a record that uses it, and CSV files for them."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

import pytest

from prov_facade.models import AssociationInfo, DatasetType, ModelRunRecord, TemplatedDataset
from prov_facade.sandbox._state.csv_columns import CSVError
from prov_facade.sandbox._state.csv_reader import Converted, convert
from prov_facade.sandbox._state.store import Item, Store

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
JOB = "5a6f1a3c-1d5e-4f5e-9f0e-2b6c8d7e9f10"
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


def dataset(item_id: str) -> Item:
    return Item(item_id, "ENTITY", "DATASET", "A dataset")


def workflow_template(item_id: str, **body: Any) -> Item:
    return Item(item_id, "ENTITY", "WORKFLOW_TEMPLATE", "A workflow", body=body)


ITEMS = [
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
    *(dataset(f"10378.1/{number}") for number in (20, 21, 22)),
]


def csv_text(*rows: dict[str, str], headers: list[str] = HEADERS) -> str:
    text = StringIO(newline="")
    writer = csv.DictWriter(text, headers, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def parse_rows(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text, newline="")))


def convert_text(store: Store, text: str) -> Converted:
    return convert(store, text)


def error_message(store: Store, text: str) -> str:
    with pytest.raises(CSVError) as error:
        convert(store, text)
    return str(error.value)
