"""Seeds that are rejected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from sandbox.seed_files import Change, load_error, write_changed_seed, write_seed

from prov_facade.sandbox._state import yaml_loader


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda file: file["items"][0].update(item_subtype="REEF"),
            "entry 1 of items (1/template): item_subtype 'REEF' is unknown; it must be one of"
            " DATASET, DATASET_TEMPLATE, MODEL, ORGANISATION, PERSON, STUDY, WORKFLOW_TEMPLATE",
        ),
        (
            lambda file: file["items"][0].pop("item_subtype"),
            "entry 1 of items (1/template): item_subtype None is unknown; it must be one of",
        ),
        (
            lambda file: file["items"][0].update(item_subtype=["MODEL"]),
            "entry 1 of items (1/template): item_subtype ['MODEL'] is unknown; did you mean MODEL?",
        ),
        (
            lambda file: file["items"][5].pop("email"),
            "entry 6 of items (1/person): Object missing required field `email`",
        ),
        (
            lambda file: file["items"][5].update(phone="1"),
            "entry 6 of items (1/person): Object contains unknown field `phone`",
        ),
        (
            lambda file: file["items"][1].update(version=4.2),
            "entry 2 of items (1/model): Expected `str`, got `float` - at `$.version`",
        ),
        (
            lambda file: file["items"][2]["deferred_resources"][0].update(kye="a"),
            "unknown field `kye` - at `$.deferred_resources[0]`",
        ),
        (lambda file: file["items"][4].pop("id"), "entry 5 of items: Object missing required"),
        (lambda file: file["items"][4].update(id="a b"), "at `$.id`"),
        (lambda file: file["items"][4].update(id="a\n"), "at `$.id`"),
        (lambda file: file["items"][4].update(id=5), "entry 5 of items: Expected `str`, got `int`"),
        (lambda file: file["items"][4].update(display_name=""), "at `$.display_name`"),
        (lambda file: file["items"][4].update(created_timestamp=-1), "at `$.created_timestamp`"),
        (
            lambda file: file["items"][6].update(id="1/study"),
            "entry 8 of items (1/study): entry 7 of items (1/study) has the same id",
        ),
        (
            lambda file: file["model_runs"][0].update(id="1/data"),
            "entry 1 of model_runs (1/data): entry 5 of items (1/data) has the same id",
        ),
        (
            lambda file: file["model_runs"].append(file["model_runs"][0]),
            "entry 2 of model_runs (1/run): entry 1 of model_runs (1/run) has the same id",
        ),
        (
            lambda file: file["items"][0].update(software_id="1/data"),
            "entry 1 of items (1/template): software_id refers to 1/data, whose subtype is"
            " DATASET; the subtype must be MODEL",
        ),
        (
            lambda file: file["items"][0]["input_templates"][0].update(template_id="1/model"),
            "input_templates refers to 1/model, whose subtype is MODEL; the subtype must be"
            " DATASET_TEMPLATE",
        ),
        (
            lambda file: file["items"][0]["output_templates"][0].update(template_id="1/none"),
            "output_templates refers to 1/none, which does not exist; the subtype must be"
            " DATASET_TEMPLATE",
        ),
        (
            # In Provena, a dataset does not refer to its templates.
            lambda file: file["items"][4].update(dataset_template_ids=["1/in"]),
            "entry 5 of items (1/data): Object contains unknown field `dataset_template_ids`",
        ),
        (
            lambda file: file["model_runs"][0].pop("outputs"),
            "entry 1 of model_runs (1/run): Object missing required field `outputs`",
        ),
        (lambda file: file["model_runs"][0].update(display_name=""), "at `$.display_name`"),
        (lambda file: file["model_runs"][0].update(description=""), "at `$.description`"),
        (
            lambda file: file["model_runs"][0].update(start_time=21),
            "entry 1 of model_runs (1/run): start_time is after end_time",
        ),
        (lambda file: file["model_runs"][0].update(end_time=10**12), "at `$.end_time`"),
        (
            lambda file: file["model_runs"][0]["associations"].update(modeler_id="1/person"),
            "unknown field `modeler_id` - at `$.associations`",
        ),
        (
            lambda file: file["model_runs"][0]["inputs"][0].update(dataset_type="TAPE"),
            "at `$.inputs[0].dataset_type`",
        ),
        (
            lambda file: file["model_runs"][0].update(workflow_template_id="1/none"),
            "entry 1 of model_runs (1/run): Could not find WORKFLOW_TEMPLATE with id 1/none.",
        ),
        (
            lambda file: file["model_runs"][0].update(study_id="1/data"),
            "The subtype of 1/data is DATASET, not STUDY.",
        ),
        (
            lambda file: file["model_runs"][0]["inputs"].clear(),
            "entry 1 of model_runs (1/run): The workflow template needs an input",
        ),
        (
            lambda file: file["model_runs"][0].pop("annotations"),
            "The required annotation 'region' is missing.",
        ),
        (
            lambda file: file["model_runs"][0]["inputs"][0].update(resources={"fi\nle": "a"}),
            "entry 1 of model_runs (1/run): The resources of dataset 1/data do not match",
        ),
        (lambda file: file.update(runs=[]), "the file: Object contains unknown field `runs`"),
        (lambda file: file.update(items={}), "the file: Expected `array | null`, got `object`"),
        (
            lambda file: file["items"].append("1/none"),
            "entry 9 of items: Expected `object`, got `str`",
        ),
        (
            lambda file: file["model_runs"].insert(0, None),
            "entry 1 of model_runs: Expected `object`, got `null`",
        ),
        (
            lambda file: file["items"][0]["input_templates"].append({"template_id": "1/in"}),
            "entry 1 of items (1/template): input_templates names 1/in more than once",
        ),
        (
            lambda file: file["items"][0]["output_templates"].append({"template_id": "1/out"}),
            "entry 1 of items (1/template): output_templates names 1/out more than once",
        ),
        (
            lambda file: file["items"][0]["annotations"].update(optional=["region"]),
            "entry 1 of items (1/template): annotations names region more than once",
        ),
        (
            lambda file: file["items"][2]["deferred_resources"].append(
                {"key": "file", "description": "Another"}
            ),
            "entry 3 of items (1/in): deferred_resources names file more than once",
        ),
    ],
)
def test_invalid_entries_are_named(change: Change, message: str, tmp_path: Path) -> None:
    assert message in load_error(write_changed_seed(tmp_path, change))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("items:\n  - a: [", "not YAML: "),
        ("items:\n  - {a: b}}", " in line 2"),
        ("", "the file: Expected `object`, got `null`"),
        ("- a", "the file: Expected `object`, got `array`"),
        (b"items: [\xff]", "not YAML: "),
        ("a: 1\n---\nb: 2", "not YAML: expected a single document in the stream"),
        ("items: !!python/object/apply:os.getcwd []", "not YAML: could not determine a construct"),
        ("items: 2024-13-45", "not YAML: month must be in 1..12"),
        ("items: !!int ''", "not YAML: "),
        ("items: !!bool maybe", "not YAML: "),
        ("items: !!timestamp soon", "not YAML: "),
        ("items: [&a {item_subtype: STUDY, id: x, display_name: *a, description: d}]", "str"),
    ],
)
def test_invalid_yaml_is_rejected(content: str | bytes, message: str, tmp_path: Path) -> None:
    assert message in load_error(write_seed(tmp_path, content))


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml_loader.LOADER])
@pytest.mark.parametrize(
    "content",
    [
        r'items: [{item_subtype: STUDY, id: x, display_name: "\uD800", description: "d"}]',
        "items: " + "[" * 500 + "]" * 500,
    ],
    ids=["lone surrogate", "deeply nested"],
)
def test_both_yaml_loaders_reject_the_same_files(
    loader: type[Any], content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_loader, "LOADER", loader)
    assert load_error(write_seed(tmp_path, content))


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml_loader.LOADER])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("items:\n  - {id: a,\n     id: b}", "the key 'id' occurs in line 2 and again in line 3"),
        ("items:\n\nitems: []", "the key 'items' occurs in line 1 and again in line 3"),
        ('items: [{a: {b: [{c: 1, "c": 2}]}}]', "the key 'c' occurs in line 1 and again in line 1"),
        ("a: &a [*a, {b: 1, b: 2}]", "the key 'b' occurs in line 1 and again in line 1"),
    ],
)
def test_duplicate_keys_are_rejected(
    loader: type[Any], content: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_loader, "LOADER", loader)
    assert load_error(write_seed(tmp_path, content)) == f"not YAML: {message}"


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    assert load_error(tmp_path / "none.yaml") == " cannot be read: No such file or directory"
    assert "cannot be read: " in load_error(tmp_path)
