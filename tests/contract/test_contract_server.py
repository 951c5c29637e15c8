"""The mock server reports requests that do not conform to the document."""

from __future__ import annotations

import httpx
import pytest
from contract_server import TOKEN, ContractServer
from operation_calls import RECORD

HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def unchecked(started_server: ContractServer) -> ContractServer:
    """The mock server without the final check, since these requests do not conform."""
    started_server.reset()
    return started_server


@pytest.mark.parametrize(
    ("method", "path", "arguments", "reason"),
    [
        ("GET", "/nowhere", {}, "unknown operation"),
        ("POST", "/explore/upstream?starting_id=1", {"headers": HEADERS}, "unknown operation"),
        ("GET", "/explore/upstream", {"headers": HEADERS}, "starting_id"),
        ("GET", "/explore/upstream?starting_id=1&depth=deep", {"headers": HEADERS}, "int"),
        ("GET", "/explore/upstream?starting_id=1&dept=1", {"headers": HEADERS}, "dept"),
        ("GET", "/explore/upstream?starting_id=1", {}, "ecurity"),
        ("GET", "/", {"headers": HEADERS}, "a token where none is needed"),
        ("GET", "/reports/91a4b0c3.docx", {"headers": HEADERS}, "fetch_report: a token"),
        ("GET", "/job-api/jobs/user/fetch", {"headers": HEADERS}, "session_id"),
        ("GET", "/admin/config?required_only=maybe", {"headers": HEADERS}, "bool"),
        (
            "POST",
            "/model_run/register",
            {"headers": HEADERS, "json": {**RECORD, "display_name": ""}},
            "non-empty|too short",
        ),
        (
            "POST",
            "/model_run/register",
            {"headers": HEADERS, "json": {"records": []}},
            "required property",
        ),
        ("POST", "/model_run/register", {"headers": HEADERS, "content": b"{}"}, "ontent"),
        (
            "POST",
            "/bulk/convert_model_runs/csv",
            {"headers": HEADERS, "files": {"csv": ("x.csv", b"a", "text/csv")}},
            "csv_file",
        ),
        (
            "POST",
            "/bulk/convert_model_runs/csv",
            {"headers": HEADERS, "files": {"csv_file": ("x.csv", b"\xff", "text/csv")}},
            "part csv_file is not UTF-8",
        ),
        ("POST", "/admin/store_all_registry_records", {"headers": HEADERS, "json": {}}, "a body"),
        (
            "DELETE",
            "/graph/admin/clear?confirm=true",
            {"headers": HEADERS},
            "unknown query parameter confirm",
        ),
    ],
)
def test_an_invalid_request_is_reported(
    method: str, path: str, arguments: dict[str, object], reason: str, unchecked: ContractServer
) -> None:
    response = httpx.request(method, unchecked.url + path, timeout=60, **arguments)  # type: ignore[arg-type]

    assert response.status_code == 599
    with pytest.raises(AssertionError, match=reason):
        unchecked.check()


def test_a_valid_request_returns_the_example(unchecked: ContractServer) -> None:
    response = httpx.get(f"{unchecked.url}/")

    assert response.json() == {"message": "Health check successful."}
    unchecked.check()
