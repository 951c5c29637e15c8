"""Numbers that fit their schema and are unusual all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from prov_facade.sandbox import Sandbox

LARGEST = 2**63 - 1  # that a column of SQLite takes


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def post(sandbox: Sandbox, path: str, **arguments: Any) -> httpx.Response:
    token = sandbox.token("read", "write", "admin")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return httpx.post(sandbox.url + path, headers=headers, **arguments)


def record(sandbox: Sandbox) -> dict[str, Any]:
    found: dict[str, Any] = sandbox.items("MODEL_RUN")[0].body["record"]
    return found


@pytest.mark.parametrize("end_time", [4e9, 2**63, 2**64, 1e300])
def test_every_integer_of_json_schema_is_one(end_time: float, shared: Sandbox) -> None:
    # JSON Schema takes 4000000000.0 for an integer, and sets integers no bounds.
    body = {**record(shared), "end_time": end_time}
    answer = post(shared, "/model_run/register_sync", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()["record_info"]["record"]["end_time"]
    assert isinstance(found, int)
    assert found == end_time


def test_a_fraction_is_no_integer(shared: Sandbox) -> None:
    body = {**record(shared), "end_time": 4e9 + 0.5}
    answer = post(shared, "/model_run/register", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["type"] == "type_error.integer"


def test_a_number_beyond_all_floats_is_no_json(shared: Sandbox) -> None:
    answer = post(shared, "/model_run/register", content=b'{"end_time": 1e999}')
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["type"] == "value_error.jsondecode"


@pytest.mark.parametrize(
    ("created", "status"), [(LARGEST, 200), (LARGEST + 1, 400), (-LARGEST - 2, 400)]
)
def test_a_creation_time_that_cannot_be_kept(created: int, status: int, shared: Sandbox) -> None:
    item = shared.items("MODEL_RUN")[0]
    body = {
        **item.body,
        "id": item.id,
        "owner_username": "sandbox",
        "created_timestamp": created,
        "updated_timestamp": 0,
    }
    answer = post(shared, "/admin/store_record", json=body)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("number", [LARGEST + 1, -LARGEST - 2, "1", None])
def test_a_page_that_was_not_offered(number: Any, shared: Sandbox) -> None:
    body = {"pagination_key": {"number": number}}
    answer = post(shared, "/job-api/jobs/user/list", json=body)
    assert answer.status_code == 500
    assert answer.json() == {"detail": "The pagination key did not come from this server."}


@pytest.mark.parametrize("limit", [0, -1])
def test_a_page_of_nothing(limit: int, shared: Sandbox) -> None:
    answer = post(shared, "/job-api/jobs/user/list", json={"limit": limit})
    assert answer.status_code == 500
    assert answer.json() == {"detail": "The limit must be at least 1."}


@pytest.mark.parametrize("expires", ["²", "9" * 5000, "-1", "1e9"])
def test_an_address_of_a_report_that_was_made_up(expires: str, shared: Sandbox) -> None:
    query = {"expires": expires, "signature": "s"}
    assert httpx.get(f"{shared.url}/reports/1", params=query).status_code == 403
