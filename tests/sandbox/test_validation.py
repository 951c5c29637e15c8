"""The entries of a 422 are those of the real server."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox import http

from prov_facade.sandbox import Sandbox

RECORD: dict[str, Any] = {
    "workflow_template_id": "10378.1/1",
    "inputs": [],
    "outputs": [],
    "display_name": "Run",
    "description": "Text",
    "associations": {"modeller_id": "10378.1/2"},
    "start_time": 1,
    "end_time": 2,
}
MISSING = ("field required", "value_error.missing")


def entries(sandbox: Sandbox, method: str, path: str, **arguments: Any) -> list[Any]:
    headers = {"Authorization": f"Bearer {sandbox.token('read', 'write', 'admin')}"}
    headers |= arguments.pop("headers", {})
    response = http.request(method, sandbox.url + path, headers=headers, **arguments)
    assert response.status_code == 422, response.text
    return [(e["loc"], e["msg"], e["type"]) for e in response.json()["detail"]]


@pytest.fixture(scope="module")
def shared() -> Any:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/explore/upstream", [(["query", "starting_id"], *MISSING)]),
        (
            "/explore/upstream?starting_id=1&depth=deep",
            [(["query", "depth"], "value is not a valid integer", "type_error.integer")],
        ),
        (
            "/admin/config?required_only=perhaps",
            [
                (
                    ["query", "required_only"],
                    "value could not be parsed to a boolean",
                    "type_error.bool",
                )
            ],
        ),
    ],
)
def test_invalid_query_parameters(path: str, expected: list[Any], shared: Sandbox) -> None:
    assert entries(shared, "GET", path) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"display_name": ""}, [(["body", "display_name"], "string must not be empty")]),
        ({"start_time": "now"}, [(["body", "start_time"], "value is not a valid integer")]),
        ({"annotations": {"a": 1}}, [(["body", "annotations", "a"], "str type expected")]),
        ({"inputs": {}}, [(["body", "inputs"], "value is not a valid list")]),
        (
            {"associations": {}},
            [(["body", "associations", "modeller_id"], "field required")],
        ),
        (
            {"inputs": [{"dataset_template_id": "1", "dataset_id": "2", "dataset_type": "OTHER"}]},
            [
                (
                    ["body", "inputs", 0, "dataset_type"],
                    "value is not a valid enumeration member; permitted: 'DATA_STORE'",
                )
            ],
        ),
        (
            {"start_time": 3},
            [
                (
                    ["body", "__root__"],
                    "The 'start_time' value (3) must be smaller than or equal to the"
                    " 'end_time' value (2).",
                )
            ],
        ),
    ],
)
def test_invalid_bodies(change: dict[str, Any], expected: list[Any], shared: Sandbox) -> None:
    found = entries(shared, "POST", "/model_run/register", json={**RECORD, **change})
    assert [entry[:2] for entry in found] == expected


def test_null_is_the_same_as_a_missing_field(shared: Sandbox) -> None:
    body = {**RECORD, "study_id": None, "annotations": None, "model_version": None}
    headers = {"Authorization": f"Bearer {shared.token('read', 'write')}"}
    response = http.post(f"{shared.url}/model_run/register", headers=headers, json=body)
    assert response.status_code == 400  # the ids do not exist


def test_all_errors_are_listed(shared: Sandbox) -> None:
    found = entries(shared, "POST", "/model_run/register", json={})
    assert len(found) == 8
    assert {entry[1:] for entry in found} == {MISSING}


def test_times_are_checked_in_nested_records(shared: Sandbox) -> None:
    body = {"records": [RECORD, {**RECORD, "start_time": 3}]}
    ((loc, _, kind),) = entries(shared, "POST", "/model_run/register_batch", json=body)
    assert (loc, kind) == (["body", "records", 1, "__root__"], "value_error")


@pytest.mark.parametrize("depth", [0, 4])
def test_the_depth_of_a_report_is_limited(depth: int, shared: Sandbox) -> None:
    body = {"id": "10378.1/1", "item_subtype": "STUDY", "depth": depth}
    ((loc, msg, _),) = entries(shared, "POST", "/explore/generate/report", json=body)
    assert loc == ["body", "depth"]
    assert msg.startswith("ensure this value is")


@pytest.mark.parametrize(
    ("content", "loc", "kind"),
    [
        (b"", ["body"], "value_error.missing"),
        (b"{", ["body", 1], "value_error.jsondecode"),
        (b'{"a": x}', ["body", 6], "value_error.jsondecode"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/json"}])
def test_missing_bodies_and_bodies_that_are_not_json(
    content: bytes, headers: dict[str, str], loc: list[Any], kind: str, shared: Sandbox
) -> None:
    found = entries(shared, "POST", "/model_run/register", content=content, headers=headers)
    assert [(where, what) for where, _, what in found] == [(loc, kind)]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/ld+json", ""])
def test_content_types_that_count_as_json(kind: str, shared: Sandbox) -> None:
    found = entries(
        shared, "POST", "/model_run/register", content=b"{}", headers={"Content-Type": kind}
    )
    assert {kind for _, _, kind in found} == {"value_error.missing"}


def test_content_types_that_do_not_count_as_json(shared: Sandbox) -> None:
    headers = {"Content-Type": "text/plain"}
    found = entries(shared, "POST", "/model_run/register", content=b"{}", headers=headers)
    assert found == [(["body"], "value is not a valid dict", "type_error.dict")]


def test_a_forbidden_null_is_one_entry(shared: Sandbox) -> None:
    record = shared.items("MODEL_RUN")[0].body["record"]
    inputs = [{**record["inputs"][0], "dataset_type": None}]
    body = {**record, "display_name": None, "inputs": inputs}
    wrong = ("none is not an allowed value", "type_error.none.not_allowed")
    found = entries(shared, "POST", "/model_run/register", json=body)
    assert sorted(found) == [
        (["body", "display_name"], *wrong),
        (["body", "inputs", 0, "dataset_type"], *wrong),
    ]


def test_only_times_of_records_are_compared(shared: Sandbox) -> None:
    record = shared.items("MODEL_RUN")[0].body["record"]
    wrong = {"start_time": 5, "end_time": 1}
    body = {**record, "annotations": {**record["annotations"]}, "extra": wrong}
    headers = {"Authorization": f"Bearer {shared.token('read', 'write')}"}
    response = http.post(f"{shared.url}/model_run/register", json=body, headers=headers)
    assert response.status_code == 200
    batch = {"records": [record, {**record, **wrong}]}
    ((loc, _, _),) = entries(shared, "POST", "/model_run/register_batch", json=batch)
    assert loc == ["body", "records", 1, "__root__"]


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ({"other": ("x.csv", b"a", "text/csv")}, 422),
        ({"csv_file": (None, b"a", "text/csv")}, 422),
        ({"csv_file": ("x.csv", b"a,a\n1,2\n", "text/csv")}, 400),
    ],
)
def test_unusable_uploads_are_rejected(files: Any, status: int, shared: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {shared.token('read')}"}
    url = f"{shared.url}/bulk/convert_model_runs/csv"
    response = http.post(url, headers=headers, files=files)
    assert response.status_code == status
    assert response.json()["detail"]
