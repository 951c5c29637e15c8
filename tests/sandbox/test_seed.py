from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from attrs import fields

from prov_facade.models import AssociationInfo, DatasetType, ModelRunRecord, TemplatedDataset
from prov_facade.sandbox import _seed
from prov_facade.sandbox._seed import SeedError, load

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
            "dataset_template_ids": ["1/in"],
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


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "seed.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def changed(tmp_path: Path, change: Change) -> Path:
    file = deepcopy(SMALL)
    change(file)
    return written(tmp_path, yaml.safe_dump(file))


def failure(path: Path) -> str:
    with pytest.raises(SeedError) as caught:
        load(path)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert text.startswith(str(path))
    return text.removeprefix(str(path)).removeprefix(": ")


# The seed that comes with the package


def test_the_seed_of_the_package_has_what_is_said_of_it() -> None:
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


def test_the_runs_of_the_package_build_on_earlier_ones_in_four_generations() -> None:
    generation: dict[str, int] = {}
    depths = []
    for run in load(None).model_runs:
        depth = 1 + max(generation.get(dataset.dataset_id, 0) for dataset in run.record.inputs)
        depths.append(depth)
        for dataset in run.record.outputs:
            # What several runs write to is complete before any run reads it.
            assert generation.setdefault(dataset.dataset_id, depth) == depth
    assert depths == sorted(depths)
    assert set(depths) == {1, 2, 3, 4}


def test_the_times_of_the_package_are_in_order_within_two_years() -> None:
    seed = load(None)
    items = [item.created_timestamp for item in seed.items]
    runs = [
        time
        for run in seed.model_runs
        for time in (run.record.start_time, run.record.end_time, run.created_timestamp)
    ]
    assert items + runs == sorted(items + runs)
    assert 1_704_067_200 < items[0] < runs[-1] < 1_767_225_600


def test_the_handles_of_the_package_are_its_own() -> None:
    seed = load(None)
    ids = [item.id for item in seed.items] + [run.id for run in seed.model_runs]
    assert len(set(ids)) == len(ids)
    assert all(entry_id.startswith("10378.1/1955") for entry_id in ids)
    owners = {item.owner_username for item in seed.items if item.item_subtype == "PERSON"}
    assert owners == {"sandbox", "mtan"}


# What becomes of entries


def test_items_have_their_category_and_the_rest_in_the_body(tmp_path: Path) -> None:
    items = {item.id: item for item in load(changed(tmp_path, lambda _: None)).items}
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
        "1/in": {"deferred_resources": [{"key": "file", "description": "A file"}]},
        "1/out": {"deferred_resources": []},
        "1/data": {"description": "Some.", "dataset_template_ids": ["1/in"]},
        "1/person": {"email": "ann@example.org", "orcid": None},
        "1/organisation": {"ror": None},
        "1/study": {"description": "A study."},
    }
    ann, study = items["1/person"], items["1/study"]
    assert (ann.display_name, ann.owner_username) == ("Ann", "ann")
    assert (ann.created_timestamp, ann.updated_timestamp) == (7, 7)
    assert (study.owner_username, study.created_timestamp) == ("sandbox", 0)


def test_model_runs_become_records(tmp_path: Path) -> None:
    (run,) = load(changed(tmp_path, lambda _: None)).model_runs
    assert (run.id, run.owner_username) == ("1/run", "sandbox")
    assert run.created_timestamp == 20  # when it ended
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


def test_a_model_run_says_when_and_by_whom_it_was_registered(tmp_path: Path) -> None:
    path = changed(
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
def test_a_run_may_have_every_field_of_a_record(
    form: type[msgspec.Struct], model: type[Any], more: set[str]
) -> None:
    assert set(form.__struct_fields__) == {field.name for field in fields(model)} | more


def test_either_list_may_be_left_out(tmp_path: Path) -> None:
    assert load(written(tmp_path, "items: []")).items == []
    assert load(written(tmp_path, "{}")).model_runs == []


def test_entries_may_refer_to_later_ones_and_text_is_utf_8(tmp_path: Path) -> None:
    def turn(file: dict[str, Any]) -> None:
        file["items"].reverse()
        file["items"][0]["display_name"] = "Größe 🐠"

    file = deepcopy(SMALL)
    turn(file)
    seed = load(written(tmp_path, yaml.safe_dump(file, allow_unicode=True)))
    assert seed.items[0].display_name == "Größe 🐠"


# What is refused


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda file: file["items"][0].update(item_subtype="REEF"),
            "entry 1 of items (1/template): unknown item_subtype 'REEF'; it must be one of"
            " DATASET, DATASET_TEMPLATE, MODEL, ORGANISATION, PERSON, STUDY, WORKFLOW_TEMPLATE",
        ),
        (
            lambda file: file["items"][0].pop("item_subtype"),
            "entry 1 of items (1/template): has no item_subtype; it must be one of",
        ),
        (
            lambda file: file["items"][0].update(item_subtype=["MODEL"]),
            "entry 1 of items (1/template): unknown item_subtype ['MODEL'];",
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
            "entry 1 of items (1/template): software_id names 1/data, which is a DATASET; it must"
            " be a MODEL",
        ),
        (
            lambda file: file["items"][0]["input_templates"][0].update(template_id="1/model"),
            "input_templates names 1/model, which is a MODEL; it must be a DATASET_TEMPLATE",
        ),
        (
            lambda file: file["items"][0]["output_templates"][0].update(template_id="1/none"),
            "output_templates names 1/none, which is no item; it must be a DATASET_TEMPLATE",
        ),
        (
            lambda file: file["items"][4].update(dataset_template_ids=["1/in", "1/template"]),
            "dataset_template_ids names 1/template, which is a WORKFLOW_TEMPLATE; it must be a",
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
            "1/data is a DATASET, a STUDY was expected.",
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
        (lambda file: file.update(items={}), "the file: Expected `array`, got `object`"),
        (lambda file: file["items"].append("1/none"), "Expected `object`, got `str`"),
    ],
)
def test_a_wrong_entry_is_named(change: Change, says: str, tmp_path: Path) -> None:
    assert says in failure(changed(tmp_path, change))


@pytest.mark.parametrize(
    ("content", "says"),
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
def test_a_file_that_is_not_usable_yaml_is_refused(
    content: str | bytes, says: str, tmp_path: Path
) -> None:
    assert says in failure(written(tmp_path, content))


@pytest.mark.parametrize("loader", [yaml.SafeLoader, _seed._Loader])
@pytest.mark.parametrize(
    "content",
    [
        r'items: [{item_subtype: STUDY, id: x, display_name: "\uD800", description: "d"}]',
        "items: " + "[" * 500 + "]" * 500,
    ],
    ids=["half a character", "deep"],
)
def test_what_the_two_readers_of_yaml_take_differently_is_refused_with_both(
    loader: type[Any], content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_seed, "_Loader", loader)
    assert failure(written(tmp_path, content))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert failure(tmp_path / "none.yaml") == " cannot be read: No such file or directory"
    assert "cannot be read: " in failure(tmp_path)
