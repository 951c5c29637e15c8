"""The requests that a sandbox records."""

from __future__ import annotations

import pytest
from sandbox import http

from prov_facade.sandbox import Sandbox


def test_requests_are_recorded_completely_and_in_order(sandbox: Sandbox) -> None:
    http.get(f"{sandbox.url}/explore/upstream", params={"starting_id": "1"}, headers={"X-A": "b"})
    http.post(f"{sandbox.url}/model_run/register", json={"a": [1]})
    first, second = sandbox.requests
    assert (first.operation_id, first.method, first.path) == (
        "explore_upstream",
        "GET",
        "/explore/upstream",
    )
    assert (first.query, first.headers["x-a"]) == ({"starting_id": "1"}, "b")
    assert (second.operation_id, second.json()) == ("register_model_run", {"a": [1]})
    sandbox.clear_requests()
    assert sandbox.requests == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("PUT", "/explore/upstream", 405), ("HEAD", "/", 405)],
)
def test_requests_to_unknown_paths_are_recorded(
    method: str, path: str, status: int, sandbox: Sandbox
) -> None:
    """So that tests can find clients that use a wrong URL."""
    assert http.request(method, sandbox.url + path).status_code == status
    (received,) = sandbox.requests
    assert (received.operation_id, received.method, received.path) == ("", method, path)


def test_the_repr_of_a_request_has_no_secrets(sandbox: Sandbox) -> None:
    token = sandbox.token("read")
    url = f"{sandbox.url}/check-access/check-read-access"
    http.get(url, headers={"Authorization": f"Bearer {token}"})
    assert token not in repr(sandbox.requests)


def test_recording_can_be_disabled() -> None:
    with Sandbox(record=False) as sandbox:
        http.get(sandbox.url)
        assert sandbox.requests == []
