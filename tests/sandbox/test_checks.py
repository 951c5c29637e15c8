"""The check of what passes to and from sandboxes finds what it is there to find."""

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
    answer_headers=JSON,
    answer=b'{"status": {"success": true, "details": ""}, "record_count": 0, "graph": {'
    b'"directed": true, "multigraph": false, "graph": {}, "nodes": [], "links": []}}',
)
FETCHED = Exchange(
    method="GET",
    path="/job-api/jobs/user/fetch",
    query=b"session_id=1",
    headers={"authorization": "Bearer x"},
    body=b"",
    status=400,
    answer_headers=JSON,
    answer=b'{"detail": "Item was not found."}',
)


@pytest.mark.parametrize("exchange", [EXPLORED, FETCHED], ids=["prov-api", "job-api"])
def test_what_conforms_is_let_pass(exchange: Exchange) -> None:
    assert list(exchange.departures()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"status": 418},
        {"answer_headers": {"content-type": "text/html"}},
        {"answer": b"{}"},
        {"answer": EXPLORED.answer.replace(b'"nodes": []', b'"nodes": [{"id": "1"}]')},
        {"query": b"depth=2"},
        {"query": b"starting_id=1&depth=deep"},
        {"path": "/explore/nowhere"},
        {"method": "DELETE"},
    ],
    ids=str,
)
def test_what_departs_is_found(changes: dict[str, Any]) -> None:
    departures = list(attrs.evolve(EXPLORED, **changes).departures())
    assert departures
    assert all("answered with" in text for text in departures)


def test_what_went_wrong_on_demand_is_let_pass() -> None:
    assert list(attrs.evolve(EXPLORED, status=418, spoilt=True).departures()) == []
