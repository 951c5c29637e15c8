"""What pages in a browser, and tools, use of a server: CORS, its description, its health check."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from sandbox import http

from prov_facade.sandbox import Sandbox

ORIGIN = "https://portal.example.org"
PREFIXES = pytest.mark.parametrize("prefix", ["", "/job-api"], ids=["prov-api", "job-api"])
PATHS = ("/explore/upstream", "/job-api/jobs/user/fetch", "/")


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@PREFIXES
def test_both_apis_have_a_health_check(prefix: str, shared: Sandbox) -> None:
    response = http.get(f"{shared.url}{prefix}/").raise_for_status()
    assert response.json() == {"message": "Health check successful."}


@PREFIXES
def test_both_apis_describe_themselves(prefix: str, shared: Sandbox) -> None:
    description = http.get(f"{shared.url}{prefix}/openapi.json").raise_for_status().json()
    OpenAPIV31SpecValidator(description).validate()
    assert description["servers"] == [{"url": f"{shared.url}{prefix}"}]
    path = "/jobs/user/fetch" if prefix else "/model_run/register"
    assert path in description["paths"]


@pytest.mark.parametrize("path", PATHS)
def test_pages_of_other_origins_may_send_tokens(path: str, shared: Sandbox) -> None:
    asked = http.request(
        "OPTIONS",
        f"{shared.url}{path}",
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization",
        },
    )
    assert asked.status_code == 200
    assert asked.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert asked.headers["Access-Control-Allow-Credentials"] == "true"
    assert "authorization" in asked.headers["Access-Control-Allow-Headers"]
    assert "GET" in asked.headers["Access-Control-Allow-Methods"]

    response = http.get(f"{shared.url}{path}", headers={"Origin": ORIGIN})
    assert response.status_code in (200, 401)  # without a token
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize("path", PATHS)
def test_other_callers_see_no_cors(path: str, shared: Sandbox) -> None:
    headers = http.get(f"{shared.url}{path}").headers
    assert not any(name.startswith("access-control") for name in headers)
    assert http.request("OPTIONS", f"{shared.url}{path}").status_code == 405
