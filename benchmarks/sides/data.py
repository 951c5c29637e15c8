"""The data of all sides. Imports only the standard library, since it runs in every environment."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from typing import Any

TOKEN = "a-token"
START = "10378.1/1955130"
DEPTH = 2
WRITES = 1_000  # at once
RECORDS = 5_000  # to decode
SUCCESS = {"success": True, "details": "Done."}

RECORD: dict[str, Any] = {
    "workflow_template_id": "10378.1/1769847",
    "display_name": "Reef temperature, January",
    "description": "Sea surface temperature over the northern reef",
    "inputs": [],
    "outputs": [],
    "associations": {"modeller_id": "10378.1/1955001"},
    "start_time": 1_767_225_600,
    "end_time": 1_767_229_200,
}
REGISTERED = {"status": SUCCESS, "session_id": "41a3ea1c-4ae9-43f8-8f4e-c6e0bd7f6d05"}

_NODES = {
    START: ("ACTIVITY", "MODEL_RUN"),
    "1/20": ("ENTITY", "DATASET"),
    "1/30": ("AGENT", "PERSON"),
}
LINEAGE = {
    "status": SUCCESS,
    "record_count": len(_NODES),
    "graph": {
        "directed": True,
        "multigraph": False,
        "graph": {},
        "nodes": [
            {"id": handle, "item_category": category, "item_subtype": subtype}
            for handle, (category, subtype) in _NODES.items()
        ],
        "links": [
            {"source": START, "target": "1/20", "type": "used"},
            {"source": START, "target": "1/30", "type": "wasAssociatedWith"},
        ],
    },
}


def _dataset(number: int, *, full: bool) -> dict[str, Any]:
    dataset = {
        "dataset_template_id": f"10378.1/19{number:05}",
        "dataset_id": f"10378.1/20{number:05}",
        "dataset_type": "DATA_STORE",
    }
    return {**dataset, "resources": {"path": f"runs/{number}/output.nc"}} if full else dataset


def record(number: int, *, full: bool) -> dict[str, Any]:
    """Return a model run with the required fields and two datasets, or every field and four."""
    datasets = [_dataset(number + offset, full=full) for offset in range(4)]
    required = {
        **RECORD,
        "display_name": f"Reef temperature, run {number}",
        "inputs": datasets[: 3 if full else 1],
        "outputs": datasets[3:],
        "start_time": RECORD["start_time"] + number,
        "end_time": RECORD["end_time"] + number,
    }
    if not full:
        return required
    return {
        **required,
        "associations": {
            "modeller_id": "10378.1/1955001",
            "requesting_organisation_id": "10378.1/1955002",
        },
        "model_version": "2.1.0",
        "annotations": {"scenario": "RCP 4.5", "grid": "1 km", "forcing": f"ensemble {number}"},
        "study_id": "10378.1/1955003",
    }


def records(size: str) -> dict[str, Any]:
    """Return the response whose decoding is measured; ``size`` is ``small`` or ``full``."""
    new = [record(number, full=size == "full") for number in range(RECORDS)]
    return {"status": SUCCESS, "new_records": new}


def fetch(url: str, size: str) -> bytes:
    """Fetch the bytes of that response from the server."""
    with urllib.request.urlopen(f"{url}/records/{size}") as response:  # noqa: S310
        content: bytes = response.read()
        return content


def table(size: int) -> Iterator[bytes]:
    """Yield the pieces of a CSV file of at least ``size`` bytes."""
    row = b"10378.1/10,Reef temperature,hourly,10378.1/1955001,2026-01-01 00:00:00+00:00,,,,\n"
    piece = row * (256 * 1024 // len(row))
    for _ in range(size // len(piece) + 1):
        yield piece
