from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from clients import TOKEN, client_for, failure, run
from facade.bad_responses import ALL, FAILING, STATUSES, UNUSABLE, WITH_RESPONSE
from sample_calls import FAILED, RECORD, SAMPLES
from scripted_server import Server, json_reply, reply

from prov_api_client import OPERATIONS
from prov_facade import (
    APIError,
    InvalidResponseError,
    OperationFailedError,
    ProvClient,
    RateLimitedError,
    ValidationFailedError,
    models,
)


@pytest.mark.parametrize("name", ALL)
def test_the_error_of_a_bad_response_names_the_call(
    name: str, server: Server, client: ProvClient
) -> None:
    bad = ALL[name]
    server.response = bad.reply
    error = failure(bad.error, bad.call(client))
    assert type(error) is bad.error
    request = server.last
    assert (error.method, error.url) == (request.method, f"{server.url}{request.path}")
    assert f"{error.operation} ({error.method} {error.url})" in str(error)
    assert bad.says in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 1_000
    if error.response is not None:
        assert error.status_code == int(bad.reply.split()[1])
    assert len(server.received) == 1


@pytest.mark.parametrize("name", WITH_RESPONSE)
def test_errors_contain_the_response(name: str, server: Server, client: ProvClient) -> None:
    bad = WITH_RESPONSE[name]
    server.response = bad.reply
    error = failure(bad.error, bad.call(client))
    body = bad.reply.partition(b"\r\n\r\n")[2]
    assert error.response is not None
    assert error.response.content == body.replace(TOKEN.encode(), b"***")


def test_every_result_with_a_status_has_a_failing_sample() -> None:
    with_status = {
        name
        for name, operation in OPERATIONS.items()
        for reader in operation.responses["200"].values()
        if "status" in getattr(getattr(reader, "type", None), "__annotations__", {})
    }
    assert set(FAILING) == with_status


@pytest.mark.parametrize("name", FAILING)
def test_the_error_of_a_failure_in_a_200_has_its_reason_and_result(
    name: str, server: Server, client: ProvClient
) -> None:
    response: Any = SAMPLES[name].response
    server.response = json_reply({**response, "status": FAILED})
    error = failure(OperationFailedError, SAMPLES[name].call(client))
    assert error.details == "The registry is unavailable."
    assert str(error).endswith("failed: The registry is unavailable.")
    result: Any = error.result
    assert type(result).from_dict({**response, "status": FAILED}) == result
    assert error.status_code == 200


def test_a_failure_without_a_reason_is_an_error(server: Server, client: ProvClient) -> None:
    server.response = json_reply({"status": {"success": False, "details": " "}})
    error = failure(OperationFailedError, client.explore_upstream("1"))
    assert "gives no reason" in str(error)


def test_the_body_of_a_status_error_is_parsed(server: Server, client: ProvClient) -> None:
    server.response = json_reply({"detail": "No such handle.", "code": 7}, 400)
    error = failure(APIError, client.explore_upstream("1"))
    assert error.detail == "No such handle."
    assert error.body == {"detail": "No such handle.", "code": 7}
    server.response = reply(b"Internal Server Error", "text/plain", 500)
    error = failure(APIError, client.explore_upstream("1"))
    assert error.detail == error.body == "Internal Server Error"
    assert str(error).count("Internal Server Error") == 1
    server.response = reply(b"<title>502 Bad Gateway</title>", "text/html", 502)
    error = failure(APIError, client.explore_upstream("1"))
    assert error.detail == "502 Bad Gateway"
    assert error.body == "<title>502 Bad Gateway</title>"
    assert str(error).count("Bad Gateway") == 1


def test_the_entries_of_a_422_are_parsed(server: Server, client: ProvClient) -> None:
    server.response = STATUSES["422"].reply
    error = failure(ValidationFailedError, client.explore_upstream("1"))
    first, second = error.errors
    assert first == models.ValidationError(
        loc=["body", "inputs", 0, "dataset_id"], msg="your token was ***", type="type_error.str"
    )
    assert [type(place) for place in first.loc] == [str, str, int, str]
    assert (second.loc, second.msg) == (["body"], "late")
    body: Any = error.body
    assert body["detail"][1]["ctx"] == {"limit_value": 3}
    assert "; body: late" in str(error)
    server.response = STATUSES["422 strange"].reply
    assert failure(ValidationFailedError, client.explore_upstream("1")).errors == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 5 ", 5),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("10s", None),
        ("Tue", None),
        ("inf", None),
        ("nan", None),
        ("²", None),
        ("9" * 400, None),
        ("99:99:99", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wednesday, 21-Oct-15 07:28:00 GMT", 0),
        ("Wed Oct 21 07:28:00 2015", 0),
    ],
)
def test_retry_after_is_parsed_as_seconds_or_a_date(
    header: str, seconds: float | None, server: Server, client: ProvClient
) -> None:
    raw = reply(b"{}", status=429, headers={"Retry-After": "@"})
    server.response = raw.replace(b"@", header.encode())
    error = failure(RateLimitedError, client.explore_upstream("1"))
    assert error.retry_after == seconds
    assert ("Try again" in str(error)) == (seconds is not None)


def test_a_date_in_retry_after_becomes_seconds_from_now(server: Server, client: ProvClient) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server.response = reply(b"{}", status=429, headers={"Retry-After": date})
    error = failure(RateLimitedError, client.explore_upstream("1"))
    assert error.retry_after is not None
    assert 60 < error.retry_after <= 90
    server.response = reply(b"{}", status=429)
    assert failure(RateLimitedError, client.explore_upstream("1")).retry_after is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int, server: Server) -> None:
    with Server(json_reply({})) as elsewhere:
        location = {"Location": f"{elsewhere.url}/explore/upstream"}
        server.response = reply(b"", None, status, location)
        error = failure(APIError, client_for(server.url).explore_upstream("1"))
        assert type(error) is APIError
        assert "Redirects are not followed" in str(error)
        assert error.response is not None
        assert error.response.headers["Location"] == location["Location"]
        assert len(server.received) == 1
        assert not elsewhere.received


def test_only_json_of_the_wrong_shape_has_a_path(server: Server, client: ProvClient) -> None:
    for name, path in {"shape": "$.roles[1]", "missing": "$", "html": None, "empty": None}.items():
        server.response = UNUSABLE[name].reply
        error = failure(InvalidResponseError, client.check_general_access())
        assert error.path == (path if path != "$" else error.path)
        assert (error.path is None) == (path in (None, "$"))


def test_the_error_of_corrupted_compression_names_the_call(
    server: Server, client: ProvClient
) -> None:
    server.response = UNUSABLE["gzip"].reply
    error = failure(InvalidResponseError, client.check_general_access())
    assert isinstance(error.__cause__, httpx.DecodingError)
    assert error.operation == "check_general_access"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/csv", "Größe,€\n".encode()),
        ("text/csv; charset=utf-8", "Größe,€\n".encode()),
        ("TEXT/CSV; header=present; charset=UTF-8", "Größe,€\n".encode()),
        ("text/csv; charset=iso-8859-15", "Größe,€\n".encode("iso-8859-15")),
        ('text/csv; charset="utf-16"', "Größe,€\n".encode("utf-16")),
    ],
)
def test_text_is_decoded_in_its_charset(
    content_type: str, body: bytes, server: Server, client: ProvClient
) -> None:
    server.response = reply(body, content_type)
    assert run(client.generate_csv_template("1")) == "Größe,€\n"


def test_unknown_fields_of_a_newer_server_are_ignored(server: Server, client: ProvClient) -> None:
    body = {"message": "Up.", "version": 2, "more": {"x": [1]}}
    server.response = reply(
        repr(body).replace("'", '"').encode(), "Application/JSON; charset=utf-8"
    )
    assert run(client.get_health_check()) == models.HealthCheckResponse(message="Up.")


def test_optional_fields_of_a_response_may_be_null_or_absent(
    server: Server, client: ProvClient
) -> None:
    status = {"success": True, "details": ""}
    for more in ({}, {"session_id": None}):
        server.response = json_reply({"status": status, **more})
        response = run(client.register_model_run(RECORD))
        assert response.session_id is None
