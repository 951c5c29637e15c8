from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from api_document import DOCX
from clients import failure, run
from sample_calls import DOCUMENT, REPORT, SAMPLES, SESSION, zipped
from scripted_server import Received, Server, json_reply, reply

from prov_facade import InvalidRequestError, ProvClient, ReportError, models

CSV = "_workflow template id 10378.1/10,display name\n10378.1/10,Größe € 台風\n"


def uploaded(server: Server) -> tuple[str, bytes]:
    """Return the headers and the content of the only part of the upload."""
    kind = re.fullmatch(r"multipart/form-data; boundary=(\S+)", server.last.headers["content-type"])
    assert kind
    boundary = kind[1].encode()
    assert len(boundary) > 20  # long and random, so that no line of a file equals it
    before, part, after = server.last.body.split(b"--" + boundary)
    assert (before, after) == (b"", b"--\r\n")
    head, _, content = part.partition(b"\r\n\r\n")
    return head.decode(), content.removesuffix(b"\r\n")


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        (CSV, CSV.encode()),
        ("\ufeff" + CSV, CSV.encode()),
        ("a,\ufeffb\n", b"a,\xef\xbb\xbfb\n"),
        ("a\r\nb\rc\n", b"a\r\nb\rc\n"),
        ("--+++\r\n--+++--\r\n", b"--+++\r\n--+++--\r\n"),
        ("", b""),
    ],
    ids=["text", "BOM", "inner BOM", "line endings", "boundary", "empty"],
)
def test_csv_is_uploaded_as_a_file_in_utf_8(
    text: str, sent: bytes, server: Server, client: ProvClient
) -> None:
    server.response = SAMPLES["convert_model_runs_to_csv"].reply
    response = run(client.convert_model_runs_to_csv(text))
    head, content = uploaded(server)
    assert content == sent
    assert 'name="csv_file"' in head
    assert re.search(r'filename="[^"]+\.csv"', head)
    assert "Content-Type: text/csv" in head
    assert isinstance(response, models.ConvertModelRunsResponse)
    assert response.new_records is not None


def test_every_upload_has_its_own_boundary(server: Server, client: ProvClient) -> None:
    server.response = SAMPLES["convert_model_runs_to_csv"].reply
    for _ in range(2):
        run(client.convert_model_runs_to_csv(CSV))
    first, second = (request.headers["content-type"] for request in server.received)
    assert first != second


@pytest.mark.parametrize("contents", [CSV.encode(), None, 7, [CSV], "a\ud800"])
def test_invalid_text_is_not_uploaded(contents: Any, server: Server, client: ProvClient) -> None:
    error = failure(InvalidRequestError, client.convert_model_runs_to_csv(contents))
    assert "CSV" in str(error)
    assert error.operation == "convert_model_runs_to_csv"
    assert not server.opened


def test_a_report_is_returned_as_bytes(server: Server, client: ProvClient) -> None:
    for content_type in (DOCX, DOCX.upper(), f"{DOCX}; charset=binary"):
        server.response = reply(DOCUMENT, content_type)
        report = run(client.generate_report(REPORT))
        assert type(report) is bytes
        assert report == DOCUMENT


BROKEN = {
    "empty": b"",
    "html": b"<html>Sign in</html>",
    "json": b'{"session_id": "7"}',
    "other zip": zipped("word/document.xml"),
    "empty zip": zipped(),
    "truncated": DOCUMENT[:-30],
    "half": DOCUMENT[: len(DOCUMENT) // 2],
    "magic number only": b"PK\x03\x04",
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_invalid_document_is_a_report_error_and_an_assertion_error(
    name: str, server: Server, client: ProvClient
) -> None:
    server.response = reply(BROKEN[name], DOCX)
    error = failure(ReportError, client.generate_report(REPORT))
    assert isinstance(error, AssertionError)
    assert ("empty body" in str(error)) == (name == "empty")
    assert error.session_id is None
    assert error.operation == "generate_report"
    assert error.status_code == 200
    assert error.response is not None
    assert error.response.content == BROKEN[name]


def test_a_corrupted_document_is_returned_unchanged_or_a_report_error(
    server: Server, client: ProvClient
) -> None:
    rng = random.Random(7)  # noqa: S311

    async def work() -> None:
        for _ in range(150):
            corrupted = bytearray(DOCUMENT)
            for _ in range(rng.randint(1, 4)):
                corrupted[rng.randrange(-120, 0)] = rng.randrange(256)
            server.response = reply(bytes(corrupted), DOCX)
            try:
                assert await client.generate_report(REPORT) == corrupted
            except ReportError as error:
                assert error.session_id is None  # noqa: PT017

    run(work())


def report_job(server: Server, report: bytes) -> Callable[[Received], bytes]:
    """Respond like a server that makes reports in jobs, with this response for the report."""
    job = {
        "session_id": SESSION,
        "created_timestamp": 1_700_000_000,
        "username": "u",
        "batch_id": None,
        "payload": {},
        "job_type": "REPORT",
        "job_sub_type": "GENERATE_REPORT",
        "status": "SUCCEEDED",
        "info": None,
        "result": {"report_url": f"{server.url}/report.docx?Signature=c2VjcmV0"},
    }
    replies = {
        "/explore/generate/report": json_reply({"session_id": SESSION}),
        "/job-api/jobs/user/fetch": json_reply({"job": job}),
        "/report.docx": report,
    }
    return lambda request: replies[request.path]


def test_a_report_made_by_a_job_is_returned(server: Server, client: ProvClient) -> None:
    server.response = report_job(server, reply(DOCUMENT, DOCX))
    assert run(client.generate_report(REPORT)) == DOCUMENT
    _, job_request, report_request = server.received
    assert job_request.query == {"session_id": SESSION}
    assert (report_request.query, report_request.token) == ({"Signature": "c2VjcmV0"}, None)


def test_an_invalid_document_of_a_job_is_a_report_error(server: Server, client: ProvClient) -> None:
    server.response = report_job(server, reply(b"<html>Expired</html>", DOCX))
    error = failure(ReportError, client.generate_report(REPORT))
    assert isinstance(error, AssertionError)
    assert (error.session_id, error.operation) == (SESSION, "fetch_report")
    assert "c2VjcmV0" not in f"{error}{error!r}"
    assert error.response is not None
    assert error.response.content == b"<html>Expired</html>"


@pytest.mark.parametrize(
    ("response", "path"),
    [
        (json_reply({"session": SESSION}), None),
        (json_reply({"session_id": 7}), "$.session_id"),
        (reply(b"", DOCX.replace("word", "spread")), None),
        (reply(b"", "application/json"), None),
    ],
    ids=["no session", "wrong session type", "wrong content type", "empty json"],
)
def test_a_response_of_the_wrong_shape_is_a_report_error(
    response: bytes, path: str | None, server: Server, client: ProvClient
) -> None:
    server.response = response
    error = failure(ReportError, client.generate_report(REPORT))
    assert isinstance(error, AssertionError)
    assert error.session_id is None
    assert error.path == path
