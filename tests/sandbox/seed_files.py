"""A small seed, and files with variants of it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from prov_facade.sandbox._state.seed import SeedError, load

Change = Callable[[dict[str, Any]], object]

SMALL: dict[str, Any] = {
    "items": [
        {
            "id": "1/template",
            "item_subtype": "WORKFLOW_TEMPLATE",
            "display_name": "Run",
            "software_id": "1/model",
            "input_templates": [{"template_id": "1/in"}],
            "output_templates": [{"template_id": "1/out", "optional": True}],
            "annotations": {"required": ["region"]},
        },
        {
            "id": "1/model",
            "item_subtype": "MODEL",
            "display_name": "Model",
            "version": "1",
            "documentation_url": "https://model.example",
        },
        {
            "id": "1/in",
            "item_subtype": "DATASET_TEMPLATE",
            "display_name": "In",
            "deferred_resources": [{"key": "file", "description": "A file"}],
        },
        {"id": "1/out", "item_subtype": "DATASET_TEMPLATE", "display_name": "Out"},
        {
            "id": "1/data",
            "item_subtype": "DATASET",
            "display_name": "Data",
            "description": "Some.",
        },
        {
            "id": "1/person",
            "item_subtype": "PERSON",
            "display_name": "Ann",
            "email": "ann@example.org",
            "owner_username": "ann",
            "created_timestamp": 7,
        },
        {"id": "1/organisation", "item_subtype": "ORGANISATION", "display_name": "Org"},
        {
            "id": "1/study",
            "item_subtype": "STUDY",
            "display_name": "Study",
            "description": "A study.",
        },
    ],
    "model_runs": [
        {
            "id": "1/run",
            "workflow_template_id": "1/template",
            "display_name": "First",
            "description": "A run.",
            "study_id": "1/study",
            "associations": {
                "modeller_id": "1/person",
                "requesting_organisation_id": "1/organisation",
            },
            "start_time": 10,
            "end_time": 20,
            "annotations": {"region": "north"},
            "inputs": [
                {
                    "dataset_template_id": "1/in",
                    "dataset_id": "1/data",
                    "resources": {"file": "a.nc"},
                }
            ],
            "outputs": [],
        }
    ],
}


def write_seed(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "seed.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def write_changed_seed(tmp_path: Path, change: Change) -> Path:
    file = deepcopy(SMALL)
    change(file)
    return write_seed(tmp_path, yaml.safe_dump(file))


def load_error(path: Path) -> str:
    with pytest.raises(SeedError) as caught:
        load(path)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert text.startswith(str(path))
    return text.removeprefix(str(path)).removeprefix(": ")
