from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

JSON = b'{"detail": "SECRET", "session_id": "SECRET"}'


@pytest.fixture
def package(compiled: Callable[[str], ModuleType]) -> Any:
    return compiled("responses")


@pytest.fixture
def read_report(package: Any) -> Any:
    return package.api.responses.read_report


@pytest.fixture(
    params=[
        pytest.param(520, id="520, from a gateway"),
        pytest.param(499, id="499, from a gateway"),
        pytest.param(404, id="404, documented"),
        pytest.param(500, id="500, under default"),
        pytest.param(201, id="201, undocumented, under default"),
        pytest.param(302, id="302, not followed"),
    ]
)
def status(request: pytest.FixtureRequest, httpserver: HTTPServer) -> int:
    """A status of the served response that is not a documented success."""
    status: int = request.param
    httpserver.expect_request("/report").respond_with_data(
        JSON, status, content_type="application/json", headers={"X-Trace": "t"}
    )
    return status


def test_the_detailed_functions_return_any_status_as_an_integer(
    call: Callable[..., Any], read_report: Any, status: int
) -> None:
    response = call(read_report, detailed=True)
    assert response.status_code == status
    assert type(response.status_code) is int
    assert response.parsed is None
    assert response.content == JSON
    assert response.headers["x-trace"] == "t"


def test_the_plain_functions_raise_for_an_error_status(
    package: Any, call: Callable[..., Any], read_report: Any, status: int
) -> None:
    with pytest.raises(package.errors.UnexpectedStatus, match=f"{status}") as caught:
        call(read_report)
    assert isinstance(caught.value, package.errors.ResponseError)
    assert caught.value.response.status_code == status
    assert "SECRET" not in str(caught.value)


def test_the_detailed_functions_parse_a_success(
    package: Any, call: Callable[..., Any], read_report: Any, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/report").respond_with_json({"session_id": "s"})
    response = call(read_report, detailed=True)
    assert response.parsed == package.models.Ticket("s")
    assert response.status_code == 200


def test_the_detailed_functions_raise_for_an_unreadable_success(
    package: Any, call: Callable[..., Any], read_report: Any, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/report").respond_with_json({})
    with pytest.raises(package.errors.UnreadableBody):
        call(read_report, detailed=True)
