from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Annotated, Any

import msgspec
import pytest
from httpx import Timeout
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

TOKEN = "t0ken-SECRET"


@pytest.fixture
def package(compiled: Callable[[str], ModuleType]) -> Any:
    return compiled("responses")


@pytest.fixture
def read_thing(package: Any) -> Any:
    return package.api.secured_things.read_thing


@pytest.fixture
def received(httpserver: HTTPServer) -> list[Request]:
    """The requests that the server received."""
    requests: list[Request] = []

    def take(request: Request) -> Response:
        requests.append(request)
        return Response(b'"thing"', content_type="application/json")

    httpserver.expect_request("/things/a/b c?").respond_with_handler(take)
    return requests


def test_arguments_are_sent_in_path_query_and_headers(
    call: Callable[..., Any], read_thing: Any, received: list[Request]
) -> None:
    arguments = {"thing_id": "a/b c?", "depth": 3, "full": False, "x_trace": "x"}
    assert call(read_thing, token=TOKEN, **arguments) == "thing"
    (request,) = received
    assert request.environ["RAW_URI"].partition("?")[0] == "/things/a%2Fb%20c%3F"
    assert request.args.to_dict(flat=False) == {"depth": ["3"], "full": ["false"]}
    assert request.headers["X-Trace"] == "x"


def test_arguments_that_are_none_are_not_sent(
    call: Callable[..., Any], read_thing: Any, received: list[Request]
) -> None:
    call(read_thing, token=TOKEN, thing_id="a/b c?")
    (request,) = received
    assert request.args.to_dict() == {"full": "true"}
    assert "X-Trace" not in request.headers
    assert request.content_length is None


def test_the_token_is_sent(
    call: Callable[..., Any], read_thing: Any, received: list[Request]
) -> None:
    call(read_thing, token=TOKEN, thing_id="a/b c?")
    assert received[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_the_token_is_not_in_the_repr(package: Any) -> None:
    client = package.AuthenticatedClient("http://localhost", token=TOKEN, cookies={"c": TOKEN})
    client = client.with_headers({"X-Token": TOKEN})
    assert "SECRET" not in repr(client)
    assert client.token == TOKEN


@pytest.mark.parametrize("token", [None, TOKEN])
def test_an_unsecured_operation_accepts_either_client(
    package: Any, call: Callable[..., Any], httpserver: HTTPServer, token: str | None
) -> None:
    httpserver.expect_request("/text").respond_with_data("text", content_type="text/plain")
    assert call(package.api.responses.read_text, token=token) == "text"
    ((request, _),) = httpserver.log
    assert ("Authorization" in request.headers) is (token is not None)


def test_the_signature_shows_which_clients_an_operation_accepts(package: Any) -> None:
    secured, either = package.AuthenticatedClient, package.AuthenticatedClient | package.Client
    accepted = {
        name: module.sync.__annotations__["client"]
        for name, module in {
            **vars(package.api.responses),
            **vars(package.api.secured_things),
        }.items()
        if hasattr(module, "sync")
    }
    assert accepted.pop("read_thing") == secured
    assert accepted.pop("read_with_roles") == secured
    assert set(accepted) > {"read_text", "read_with_optional_token"}
    assert all(client == either for client in accepted.values())


def test_the_table_of_operations_shows_security_and_roles(package: Any) -> None:
    table = package.OPERATIONS
    assert table["readThing"].secured  # by the security of the whole document
    assert table["read_with_roles"].roles == ("reader", "writer")
    assert not table["read_text"].secured
    assert not table["read_with_optional_token"].secured


def test_limits_of_parameters_are_in_the_table_of_operations(package: Any) -> None:
    assert package.OPERATIONS["readThing"].parameters == {
        "thing_id": Annotated[str, msgspec.Meta(min_length=2)],
        "depth": Annotated[int | None, msgspec.Meta(ge=1, le=100)],
        "full": bool,
        "x_trace": str | None,
    }


def test_a_request_can_be_inspected_without_sending_it(read_thing: Any) -> None:
    request = read_thing.request(thing_id="ab")
    assert request.operation is read_thing.OPERATION
    assert request.to_httpx() == {"method": "GET", "url": "/things/ab", "params": {"full": True}}


def test_a_client_keeps_its_settings(package: Any) -> None:
    settings = {"verify_ssl": False, "follow_redirects": True, "cookies": {"c": "1"}}
    client = package.Client("http://localhost", headers={"A": "1"}, **settings)
    other = client.with_headers({"B": "2"}).with_cookies({"d": "2"}).with_timeout(Timeout(7))
    with client as used:
        sending = used.get_httpx_client()
        assert (sending.timeout, sending.follow_redirects) == (Timeout(30.0), True)
        assert (sending.headers["A"], dict(sending.cookies)) == ("1", {"c": "1"})
        assert "B" not in sending.headers
    with other as used:
        sending = used.get_httpx_client()
        assert (sending.timeout, sending.follow_redirects) == (Timeout(7), True)
        assert (sending.headers["A"], sending.headers["B"]) == ("1", "2")
        assert dict(sending.cookies) == {"c": "1", "d": "2"}


def test_bytes_must_be_wrapped_in_a_file(package: Any) -> None:
    body = package.types.multipart
    with pytest.raises(TypeError, match="File"):
        body({"csv_file": b"a,b"})
