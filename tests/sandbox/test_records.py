"""Records are checked as strictly as on the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
import yaml
from sandbox import http
from sandbox.conftest import Session
from sandbox.seed_files import SMALL

from prov_facade.sandbox import Sandbox

Change = Callable[[dict[str, Any]], object]

RESOURCES = [
    {"key": "file", "description": "A file"},
    {"key": "log", "description": "A log", "optional": True},
]
MISMATCH = "The resources of dataset {} do not match the deferred resources of its template: {}."


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    file = deepcopy(SMALL)
    file["items"][2]["deferred_resources"] = RESOURCES
    file["items"].append({**file["items"][4], "id": "1/more"})
    file["model_runs"] = []
    path = tmp_path_factory.mktemp("records") / "seed.yaml"
    path.write_text(yaml.safe_dump(file), encoding="utf-8")
    with Sandbox(seed=path) as sandbox:
        yield sandbox


def register(sandbox: Sandbox, change: Change) -> tuple[int, dict[str, Any]]:
    record = deepcopy(SMALL["model_runs"][0])
    del record["id"]
    for dataset in record["inputs"]:
        dataset["dataset_type"] = "DATA_STORE"
    change(record)
    headers = {"Authorization": f"Bearer {sandbox.token('read', 'write')}"}
    response = http.post(f"{sandbox.url}/model_run/register", headers=headers, json=record)
    return response.status_code, response.json()


def dataset(template: str, item: str, **resources: str) -> dict[str, Any]:
    return {
        "dataset_template_id": template,
        "dataset_id": item,
        "dataset_type": "DATA_STORE",
        "resources": resources or None,
    }


def test_a_template_can_have_several_datasets(sandbox: Sandbox, session: Session) -> None:
    def change(record: dict[str, Any]) -> None:
        record["inputs"].append(dataset("1/in", "1/more", file="b.nc"))
        record["outputs"] = [dataset("1/out", "1/data"), dataset("1/out", "1/more")]

    status, response = register(sandbox, change)
    assert status == 200, response
    run_id = session.wait_for_job(response["session_id"])["result"]["record"]["id"]
    graph = session.run(lambda c: c.explore_upstream(run_id, depth=1)).graph
    assert graph is not None
    assert {("used", "1/data"), ("used", "1/more")} <= {
        (link["type"], link["target"]) for link in graph["links"]
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record["inputs"][0].update(resources={"file": "a", "log": "b"}),
        # The server accepts templates of both sides.
        lambda record: record["inputs"].append(dataset("1/out", "1/more")),
        lambda record: record["outputs"].append(dataset("1/in", "1/more", file="c.nc")),
        lambda record: record["annotations"].update(mood="calm"),
    ],
    ids=["an optional resource", "an output's template", "an input's template", "an annotation"],
)
def test_records_that_the_server_accepts(sandbox: Sandbox, change: Change) -> None:
    assert register(sandbox, change)[0] == 200


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (
            lambda record: record["inputs"][0].update(resources={"log": "b"}),
            MISMATCH.format("1/data", "file"),
        ),
        (
            lambda record: record["inputs"][0].update(resources={"file": "a", "map": "b"}),
            MISMATCH.format("1/data", "map"),
        ),
        (
            lambda record: record["inputs"].append(dataset("1/in", "1/more")),
            MISMATCH.format("1/more", "file"),
        ),
        (
            lambda record: record["inputs"].append(dataset("1/other", "1/more")),
            "The workflow template has no dataset template 1/other.",
        ),
        (
            lambda record: record.update(inputs=[], outputs=record["inputs"]),
            "The workflow template needs an input for dataset template 1/in.",
        ),
    ],
)
def test_records_that_the_server_rejects(sandbox: Sandbox, change: Change, detail: str) -> None:
    assert register(sandbox, change) == (400, {"detail": detail})
