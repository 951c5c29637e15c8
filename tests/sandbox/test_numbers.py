"""Numbers that match their schema but are unusual."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sandbox import http

from prov_facade.sandbox import Sandbox

LARGEST = 2**63 - 1  # the largest integer in SQLite


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def post(sandbox: Sandbox, path: str, **arguments: Any) -> httpx.Response:
    token = sandbox.token("read", "write", "admin")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return http.post(sandbox.url + path, headers=headers, **arguments)


def record(sandbox: Sandbox) -> dict[str, Any]:
    found: dict[str, Any] = sandbox.items("MODEL_RUN")[0].body["record"]
    return found


@pytest.mark.parametrize("end_time", [4e9, 2**63, 2**64, 1e300])
def test_integers_can_have_a_decimal_point_and_an_exponent(
    end_time: float, shared: Sandbox
) -> None:
    # In JSON Schema, 4000000000.0 is an integer, and integers have no bounds.
    body = {**record(shared), "end_time": end_time}
    response = post(shared, "/model_run/register_sync", json=body)
    assert response.status_code == 200, response.text
    found = response.json()["record_info"]["record"]["end_time"]
    assert isinstance(found, int)
    assert found == end_time


def test_fractions_are_not_integers(shared: Sandbox) -> None:
    body = {**record(shared), "end_time": 4e9 + 0.5}
    response = post(shared, "/model_run/register", json=body)
    assert response.status_code == 422
    assert response.json()["detail"][0]["type"] == "type_error.integer"


def test_numbers_beyond_floats_are_not_json(shared: Sandbox) -> None:
    response = post(shared, "/model_run/register", content=b'{"end_time": 1e999}')
    assert response.status_code == 422
    assert response.json()["detail"][0]["type"] == "value_error.jsondecode"


@pytest.mark.parametrize(
    ("created", "status"), [(LARGEST, 200), (LARGEST + 1, 400), (-LARGEST - 2, 400)]
)
def test_creation_times_have_a_range(created: int, status: int, shared: Sandbox) -> None:
    item = shared.items("MODEL_RUN")[0]
    body = {
        **item.body,
        "id": item.id,
        "owner_username": "sandbox",
        "created_timestamp": created,
        "updated_timestamp": 0,
    }
    response = post(shared, "/admin/store_record", json=body)
    assert response.status_code == status, response.text


@pytest.mark.parametrize(
    "key",
    [
        {},
        {"session_id": "1", "username": "sandbox"},
        *(
            {"session_id": "1", "username": "sandbox", "created_timestamp": created}
            for created in (LARGEST + 1, -LARGEST - 2, "1", None, True)
        ),
        {"session_id": 1, "username": "sandbox", "created_timestamp": 1},
        {"session_id": "1", "username": "bob", "created_timestamp": 1},
        {"session_id": "1", "username": "sandbox", "created_timestamp": 1, "more": 1},
    ],
    ids=str,
)
def test_unknown_pagination_keys_are_rejected(key: dict[str, Any], shared: Sandbox) -> None:
    response = post(shared, "/job-api/jobs/user/list", json={"pagination_key": key})
    assert response.status_code == 500
    assert "the pagination key did not come from this server" in response.json()["detail"]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_page_must_have_a_positive_limit(limit: int, shared: Sandbox) -> None:
    response = post(shared, "/job-api/jobs/user/list", json={"limit": limit})
    assert response.status_code == 500
    assert "the limit must be at least 1" in response.json()["detail"]


@pytest.mark.parametrize("expires", ["²", "9" * 5000, "-1", "1e9"])
def test_forged_urls_of_reports_are_rejected(expires: str, shared: Sandbox) -> None:
    query = {"expires": expires, "signature": "s"}
    assert http.get(f"{shared.url}/reports/1", params=query).status_code == 403
