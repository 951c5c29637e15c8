"""`sandbox_checks` finds violations of the OpenAPI documents."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from sandbox_checks import Exchange

JSON = {"content-type": "application/json"}
EXPLORED = Exchange(
    method="GET",
    path="/explore/upstream",
    query=b"starting_id=1&depth=2",
    headers={"authorization": "Bearer x"},
    body=b"",
    status=200,
    response_headers=JSON,
    response=b'{"status": {"success": true, "details": ""}, "record_count": 0, "graph": {'
    b'"directed": true, "multigraph": false, "graph": {}, "nodes": [], "links": []}}',
)
FETCHED = Exchange(
    method="GET",
    path="/job-api/jobs/user/fetch",
    query=b"session_id=1",
    headers={"authorization": "Bearer x"},
    body=b"",
    status=400,
    response_headers=JSON,
    response=b'{"detail": "Item was not found."}',
)


@pytest.mark.parametrize("exchange", [EXPLORED, FETCHED], ids=["prov-api", "job-api"])
def test_conforming_exchanges_pass(exchange: Exchange) -> None:
    assert list(exchange.violations()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"status": 418},
        {"response_headers": {"content-type": "text/html"}},
        {"response": b"{}"},
        {"response": EXPLORED.response.replace(b'"nodes": []', b'"nodes": [{"id": "1"}]')},
        {"query": b"depth=2"},
        {"query": b"starting_id=1&depth=deep"},
        {"path": "/explore/nowhere"},
        {"method": "DELETE"},
    ],
    ids=str,
)
def test_violations_are_found(changes: dict[str, Any]) -> None:
    violations = list(attrs.evolve(EXPLORED, **changes).violations())
    assert violations
    assert all("responded with" in text for text in violations)


def test_faulty_responses_pass() -> None:
    assert list(attrs.evolve(EXPLORED, status=418, faulty=True).violations()) == []
