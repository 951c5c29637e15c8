from __future__ import annotations

import gzip
import pickle
import traceback
from collections.abc import Iterator

import pytest
from clients import TOKEN, client_for, failure, run
from facade.bad_responses import ALL
from sample_calls import USER
from scripted_server import Server, json_reply, reply

from prov_facade import (
    APIError,
    BearerToken,
    InvalidResponseError,
    LineageResponse,
    OperationFailedError,
    ProvClient,
    ProvError,
    TransportError,
)


def shown(error: BaseException) -> Iterator[str]:
    """Yield all parts of an error that a log, a report or another process might show."""
    yield "".join(traceback.format_exception(error))
    yield str(pickle.dumps(error))
    link: BaseException | None = error
    while link is not None:
        yield f"{link}{link!r}{link.args!r}"
        link = link.__cause__ or link.__context__
    yield repr({name: value for name, value in vars(error).items() if name != "response"})
    if isinstance(error, ProvError) and error.response is not None:
        response = error.response
        yield f"{response.content!r}{response.text}{response.headers.raw!r}"
        yield f"{response.request.headers.raw!r}{response.request.content!r}{response.request.url}"
        yield repr(response.history)


@pytest.mark.parametrize("name", ALL)
def test_no_error_shows_the_token(name: str, server: Server, client: ProvClient) -> None:
    bad = ALL[name]
    head, _, body = bad.reply.partition(b"\r\n\r\n")
    echoes = f"\r\nX-Echo: Bearer {TOKEN}\r\nSet-Cookie: session={TOKEN}\r\n\r\n".encode()
    server.response = head + echoes + body
    error = failure(bad.error, bad.call(client))
    assert server.last.token == f"Bearer {TOKEN}"
    for text in shown(error):
        assert TOKEN not in text


def test_the_response_of_an_error_keeps_everything_but_secrets(
    server: Server, client: ProvClient
) -> None:
    server.response = json_reply(
        {"detail": "no"},
        400,
        {"X-Trace": "7", "Set-Cookie": "a=b", "X-Echo": TOKEN, "X-Why": "Größe"},
    )
    error = failure(APIError, client.explore_upstream("10378.1/1", 2))
    assert error.response is not None
    assert error.response.headers["X-Trace"] == "7"
    assert error.response.headers["X-Echo"] == "***"
    assert error.response.headers["X-Why"] == "Größe"  # headers may hold more than ASCII
    assert "Set-Cookie" not in error.response.headers
    assert error.response.request.method == "GET"
    assert error.response.request.url.params["starting_id"] == "10378.1/1"
    assert "authorization" not in error.response.request.headers
    assert error.response.json() == {"detail": "no"}


def test_the_body_of_the_request_is_not_in_the_error(server: Server, client: ProvClient) -> None:
    server.response = json_reply({"detail": "no"}, 400)
    error = failure(APIError, client.convert_model_runs_to_csv("private,data\n"))
    assert all("private" not in text for text in shown(error))


def test_a_compressed_response_is_readable_in_the_error(server: Server, client: ProvClient) -> None:
    body = gzip.compress(f"<title>{TOKEN}</title>".encode())
    server.response = reply(body, "text/html", headers={"Content-Encoding": "gzip"})
    error = failure(InvalidResponseError, client.explore_upstream("1"))
    assert error.response is not None
    assert error.response.text == "<title>***</title>"
    assert "content-encoding" not in error.response.headers


def test_an_echoed_token_is_in_the_value_but_not_in_its_repr(
    server: Server, client: ProvClient
) -> None:
    server.response = json_reply({**USER, "access_token": TOKEN})
    user = run(client.check_general_access())
    assert user.access_token == TOKEN
    assert TOKEN not in repr(user)
    assert TOKEN not in str(user)


def test_a_very_short_token_is_not_masked(server: Server) -> None:
    server.response = json_reply({"detail": "this token is unknown"}, 400)
    error = failure(APIError, client_for(server.url, BearerToken("token")).explore_upstream("1"))
    assert error.detail == "this token is unknown"


def test_a_token_in_truncated_json_is_not_shown(server: Server, client: ProvClient) -> None:
    server.response = reply(f'{{"access_token": "{TOKEN[:-3]}'.encode())
    error = failure(InvalidResponseError, client.check_general_access())
    assert TOKEN[:12] not in f"{error}{error!r}"


@pytest.mark.parametrize(
    "response",
    [
        f"Bearer {TOKEN}\r\n\r\n",
        f"HTTP/1.1 200 OK\r\nBad header {TOKEN}\r\n\r\n",
        f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{TOKEN}\r\n",
    ],
    ids=["status line", "header", "chunk"],
)
def test_a_token_in_invalid_http_is_not_shown(
    response: str, server: Server, client: ProvClient
) -> None:
    server.response = response.encode()
    server.keeps_open = False
    error = failure(TransportError, client.explore_upstream("1"))
    assert all(TOKEN not in text for text in shown(error))


def test_a_token_anywhere_in_a_failure_is_masked(server: Server, client: ProvClient) -> None:
    status = {"success": False, "details": f"no {TOKEN}"}
    server.response = json_reply({"status": status, "graph": {TOKEN: [TOKEN]}})
    error = failure(OperationFailedError, client.explore_upstream("1"))
    assert all(TOKEN not in text for text in shown(error))
    assert isinstance(error.result, LineageResponse)
    assert error.result.graph == {"***": ["***"]}


@pytest.mark.parametrize("written", ["{}", "<title>{}</title>", '{{"detail": "{}"}}'])
def test_an_escaped_token_is_masked(written: str, server: Server) -> None:
    token = "abc/def+ghi/jkl+mno=="
    html = "html" if "title" in written else "json"
    escaped = token.replace("+", "&#43;") if html == "html" else token.replace("/", "\\/")
    server.response = reply(written.format(escaped).encode(), f"text/{html}", 400)
    error = failure(APIError, client_for(server.url, BearerToken(token)).explore_upstream("1"))
    assert all(token not in text and escaped not in text for text in shown(error))


@pytest.mark.parametrize("length", [7, 8])
def test_a_token_is_masked_from_eight_characters_on(length: int, server: Server) -> None:
    token = "x" * length
    server.response = json_reply({"detail": f"say {token}"}, 400)
    error = failure(APIError, client_for(server.url, BearerToken(token)).explore_upstream("1"))
    assert (token in str(error)) is (length < 8)


def test_the_error_of_corrupted_compression_has_the_status(
    server: Server, client: ProvClient
) -> None:
    server.response = reply(TOKEN.encode(), headers={"Content-Encoding": "gzip"})
    error = failure(InvalidResponseError, client.explore_upstream("1"))
    assert error.status_code == 200
    assert all(TOKEN not in text for text in shown(error))


def test_the_url_of_a_redirect_is_shown_without_its_signature(
    server: Server, client: ProvClient
) -> None:
    location = "https://store.prov.test/report.docx"
    server.response = reply(status=302, headers={"Location": f"{location}?X-Signature=c2VjcmV0"})
    error = failure(APIError, client.get_health_check())
    assert error.response is not None
    assert error.response.headers["location"] == location
    for text in shown(error):
        assert "c2VjcmV0" not in text
