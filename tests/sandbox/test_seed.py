"""The content of seeds."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from attrs import fields
from sandbox.seed_files import SMALL, write_changed_seed, write_seed

from prov_facade.models import AssociationInfo, DatasetType, ModelRunRecord, TemplatedDataset
from prov_facade.sandbox._state import seed as _seed
from prov_facade.sandbox._state.seed import load

# The default seed


def test_the_default_seed_has_the_documented_content() -> None:
    seed = load(None)
    subtypes = [item.item_subtype for item in seed.items]
    assert {subtype: subtypes.count(subtype) for subtype in subtypes} == {
        "ORGANISATION": 2,
        "PERSON": 3,
        "STUDY": 2,
        "MODEL": 2,
        "DATASET_TEMPLATE": 6,
        "WORKFLOW_TEMPLATE": 2,
        "DATASET": 12,
    }
    assert len(seed.model_runs) == 30


def test_runs_of_the_default_seed_form_four_generations() -> None:
    generation: dict[str, int] = {}
    depths = []
    for run in load(None).model_runs:
        depth = 1 + max(generation.get(dataset.dataset_id, 0) for dataset in run.record.inputs)
        depths.append(depth)
        for dataset in run.record.outputs:
            # A dataset with several writers is complete before any run reads it.
            assert generation.setdefault(dataset.dataset_id, depth) == depth
    assert depths == sorted(depths)
    assert set(depths) == {1, 2, 3, 4}


def test_times_of_the_default_seed_are_in_order() -> None:
    seed = load(None)
    items = [item.created_timestamp for item in seed.items]
    runs = [
        time
        for run in seed.model_runs
        for time in (run.record.start_time, run.record.end_time, run.created_timestamp)
    ]
    assert items + runs == sorted(items + runs)
    assert 1_704_067_200 < items[0] < runs[-1] < 1_767_225_600


def test_handles_of_the_default_seed_have_their_own_range() -> None:
    seed = load(None)
    ids = [item.id for item in seed.items] + [run.id for run in seed.model_runs]
    assert len(set(ids)) == len(ids)
    assert all(entry_id.startswith("10378.1/1955") for entry_id in ids)
    owners = {item.owner_username for item in seed.items if item.item_subtype == "PERSON"}
    assert owners == {"sandbox", "mtan"}


# Entries


def test_items_have_a_category_and_a_body(tmp_path: Path) -> None:
    items = {item.id: item for item in load(write_changed_seed(tmp_path, lambda _: None)).items}
    assert list(items) == [entry["id"] for entry in SMALL["items"]]
    assert {item.item_subtype: item.item_category for item in items.values()} == {
        "WORKFLOW_TEMPLATE": "ENTITY",
        "MODEL": "ENTITY",
        "DATASET_TEMPLATE": "ENTITY",
        "DATASET": "ENTITY",
        "PERSON": "AGENT",
        "ORGANISATION": "AGENT",
        "STUDY": "ACTIVITY",
    }
    assert {item.id: item.body for item in items.values()} == {
        "1/template": {
            "software_id": "1/model",
            "input_templates": [{"template_id": "1/in", "optional": False}],
            "output_templates": [{"template_id": "1/out", "optional": True}],
            "annotations": {"required": ["region"], "optional": []},
        },
        "1/model": {"version": "1", "documentation_url": "https://model.example"},
        "1/in": {
            "deferred_resources": [{"key": "file", "description": "A file", "optional": False}]
        },
        "1/out": {"deferred_resources": []},
        "1/data": {"description": "Some."},
        "1/person": {"email": "ann@example.org", "orcid": None},
        "1/organisation": {"ror": None},
        "1/study": {"description": "A study."},
    }
    ann, study = items["1/person"], items["1/study"]
    assert (ann.display_name, ann.owner_username) == ("Ann", "ann")
    assert (ann.created_timestamp, ann.updated_timestamp) == (7, 7)
    assert (study.owner_username, study.created_timestamp) == ("sandbox", 0)


def test_model_runs_become_records(tmp_path: Path) -> None:
    (run,) = load(write_changed_seed(tmp_path, lambda _: None)).model_runs
    assert (run.id, run.owner_username) == ("1/run", "sandbox")
    assert run.created_timestamp == 20  # its end time
    assert run.record == ModelRunRecord(
        workflow_template_id="1/template",
        inputs=[
            TemplatedDataset(
                dataset_template_id="1/in",
                dataset_id="1/data",
                dataset_type=DatasetType.DATA_STORE,
                resources={"file": "a.nc"},
            )
        ],
        outputs=[],
        display_name="First",
        description="A run.",
        associations=AssociationInfo("1/person", "1/organisation"),
        start_time=10,
        end_time=20,
        annotations={"region": "north"},
        study_id="1/study",
    )


def test_a_model_run_has_an_owner_and_a_creation_time(tmp_path: Path) -> None:
    path = write_changed_seed(
        tmp_path,
        lambda file: file["model_runs"][0].update(created_timestamp=0, owner_username="ann"),
    )
    (run,) = load(path).model_runs
    assert (run.created_timestamp, run.owner_username) == (0, "ann")


@pytest.mark.parametrize(
    ("form", "model", "more"),
    [
        (_seed._ModelRun, ModelRunRecord, {"id", "owner_username", "created_timestamp"}),
        (_seed._TemplatedDataset, TemplatedDataset, set()),
        (_seed._Associations, AssociationInfo, set()),
    ],
)
def test_a_run_can_have_every_field_of_a_record(
    form: type[msgspec.Struct], model: type[Any], more: set[str]
) -> None:
    assert set(form.__struct_fields__) == {field.name for field in fields(model)} | more


def test_both_lists_are_optional(tmp_path: Path) -> None:
    assert load(write_seed(tmp_path, "items: []")).items == []
    assert load(write_seed(tmp_path, "{}")).model_runs == []


@pytest.mark.parametrize("content", ["items:", "items:\nmodel_runs:", "model_runs: null"])
def test_lists_can_be_null(content: str, tmp_path: Path) -> None:
    seed = load(write_seed(tmp_path, content))
    assert (seed.items, seed.model_runs) == ([], [])


def test_lists_in_entries_can_be_null(tmp_path: Path) -> None:
    def empty(file: dict[str, Any]) -> None:
        file["items"][0].update(input_templates=None, annotations=None)
        file["items"][2]["deferred_resources"] = None
        file["model_runs"] = None

    template, _, dataset_template, *_ = load(write_changed_seed(tmp_path, empty)).items
    assert template.body["input_templates"] == []
    assert template.body["annotations"] == {"required": [], "optional": []}
    assert dataset_template.body == {"deferred_resources": []}


def test_merged_mappings_can_be_overridden(tmp_path: Path) -> None:
    """Even if PyYAML has already merged the mapping."""
    content = """
items:
  - <<: &derived
      <<: &base {id: 1/a, item_subtype: ORGANISATION, display_name: One}
      display_name: Two
  - {<<: *derived, id: 1/b}
  - {<<: *base, <<: {ror: x}, id: 1/c}
"""
    items = load(write_seed(tmp_path, content)).items
    assert [(item.id, item.display_name) for item in items] == [
        ("1/a", "Two"),
        ("1/b", "Two"),
        ("1/c", "One"),
    ]


def test_entries_can_refer_to_later_ones_and_text_is_utf_8(tmp_path: Path) -> None:
    def turn(file: dict[str, Any]) -> None:
        file["items"].reverse()
        file["items"][0]["display_name"] = "Größe 🐠"

    file = deepcopy(SMALL)
    turn(file)
    seed = load(write_seed(tmp_path, yaml.safe_dump(file, allow_unicode=True)))
    assert seed.items[0].display_name == "Größe 🐠"
