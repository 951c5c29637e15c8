"""Reports, returned directly or created by jobs, and the secrecy of signed URLs."""

from __future__ import annotations

import io
import logging
import pickle
import re
import socket
import socketserver
import threading
import traceback
import tracemalloc
import zipfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Self

import docx
import pytest
from api_document import DOCX
from certificates import server_context
from clients import (
    BOTH,
    client_for,
    every_transport,
    failure,
    quick_polling,
    retrying_client,
    run,
    sandbox_client,
)
from jobs.replies import SESSION, job_reply
from scripted_server import Cut, Received, Reply, Response, Script, Server, json_reply, reply

from prov_facade import (
    InvalidRequestError,
    JobFailedError,
    JobTimeoutError,
    ProvClient,
    ProvError,
    ReportError,
    RetryPolicy,
    TransportError,
    raw_responses,
)
from prov_facade.sandbox import Fault, JobDelays, Sandbox, gateway

SIGNATURE = "c2lnbmF0dXJl/c2VjcmV0+c2VjcmV0=="
ENCODED = SIGNATURE.replace("/", "%2F").replace("+", "%2B").replace("=", "%3D")
QUERY = f"X-Amz-Expires=3600&X-Amz-Signature={ENCODED}&X-Amz-Credential=AKIAIOSFODNN7"
SECRETS = (SIGNATURE, ENCODED, ENCODED.replace("%2F", "/"), "AKIAIOSFODNN7")

Way = Callable[[ProvClient, Any, Path], Coroutine[Any, Any, bytes]]


async def generated(client: ProvClient, request: Any, _: Path) -> bytes:
    return await client.generate_report(request)


async def downloaded(client: ProvClient, request: Any, folder: Path) -> bytes:
    path = await client.download_report(request, folder / "report.docx")
    return path.read_bytes()


WAYS: dict[str, Way] = {"generate": generated, "download": downloaded}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    """Obtains a report in memory or in a file."""
    return WAYS[request.param]


def report_request(sandbox: Sandbox, subtype: str = "STUDY") -> dict[str, Any]:
    return {"id": sandbox.items(subtype)[0].id, "item_subtype": subtype, "depth": 2}


@pytest.mark.parametrize(("style", "subtype"), [("document", "STUDY"), ("job", "MODEL_RUN")])
@every_transport
def test_old_and_new_servers_return_a_document(
    way: Way, style: Any, subtype: str, tmp_path: Path
) -> None:
    with Sandbox(report_style=style) as sandbox:
        item = sandbox.items(subtype)[0]
        content = run(way(sandbox_client(sandbox), report_request(sandbox, subtype), tmp_path))
        document = docx.Document(io.BytesIO(content))
        assert item.display_name in document.paragraphs[0].text
        assert document.tables
        operations = [request.operation_id for request in sandbox.requests]
        assert operations[0] == "generate_report"
        assert operations.count("fetch_report") == (style == "job")
        for request in sandbox.requests:
            authorized = "authorization" in request.headers
            assert authorized is (request.operation_id != "fetch_report")


@BOTH
def test_a_report_can_be_fetched_after_a_timeout(tmp_path: Path) -> None:
    with Sandbox(report_style="job", delays=JobDelays(in_progress=0.4)) as sandbox:
        client = sandbox_client(sandbox, polling=quick_polling(deadline=0.1))
        error = failure(JobTimeoutError, client.generate_report(report_request(sandbox)))
        again = sandbox_client(sandbox)
        content = run(again.jobs.wait_for_report(error.session_id))
        saved = run(again.jobs.save_report(error.session_id, tmp_path))
        assert saved == tmp_path / f"report-{error.session_id}.docx"
        assert saved.read_bytes() == content
        assert docx.Document(io.BytesIO(content)).tables


@BOTH
def test_the_polling_policy_of_the_call_applies(tmp_path: Path) -> None:
    with Sandbox(report_style="job", delays=JobDelays(in_progress=5)) as sandbox:
        client = sandbox_client(sandbox)
        brief = quick_polling(deadline=0.05)
        request = report_request(sandbox)
        for waiting in (
            client.generate_report(request, polling=brief),
            client.download_report(request, tmp_path / "report.docx", polling=brief),
        ):
            assert "within 0.05 s" in str(failure(JobTimeoutError, waiting))
        assert list(tmp_path.iterdir()) == []


@BOTH
def test_a_failed_report_gives_its_reason(way: Way, tmp_path: Path) -> None:
    with Sandbox(report_style="job") as sandbox:
        sandbox.faults.fail_jobs("GENERATE_REPORT", "No template.")
        error = failure(
            JobFailedError, way(sandbox_client(sandbox), report_request(sandbox), tmp_path)
        )
        assert error.reason == "No template."
        assert list(tmp_path.iterdir()) == []


@every_transport
def test_fetching_a_report_is_retried_like_any_read(way: Way, tmp_path: Path) -> None:
    with Sandbox(report_style="job") as sandbox:
        sandbox.faults.add("fetch_report", gateway(503), Fault(drop=True), Fault(truncate=100))
        retries = RetryPolicy(attempts=4, backoff=0)
        client = sandbox_client(sandbox, retries=retries)
        content = run(way(client, report_request(sandbox), tmp_path))
        assert docx.Document(io.BytesIO(content)).tables
        assert sandbox.faults.left("fetch_report") == 0


@pytest.fixture
def store() -> Iterator[Server]:
    """An object store that serves reports."""
    with Server() as store:
        yield store


@pytest.fixture
def servers(server: Server, store: Server) -> tuple[Server, Server]:
    return server, store


def job_at(server: Server, address: str) -> None:
    """Make the server return a report through a job, with this URL."""

    def respond(request: Received) -> Reply:
        if request.method == "POST":
            return json_reply({"status": {"success": True, "details": "."}, "session_id": SESSION})
        kind = {"job_type": "REPORT", "job_sub_type": "GENERATE_REPORT"}
        return job_reply("SUCCEEDED", result={"report_url": address}, **kind)

    server.response = respond


REQUEST = {"id": "10378.1/1", "item_subtype": "STUDY", "depth": 1}

Fetch = Callable[..., Coroutine[Any, Any, bytes]]


@pytest.fixture
def fetch(way: Way, server: Server, tmp_path: Path) -> Fetch:
    """Obtains the report that a job stored at a URL."""

    async def fetch(address: str, **settings: Any) -> bytes:
        job_at(server, address)
        async with client_for(server.url, **settings) as client:
            return await way(client, REQUEST, tmp_path)

    return fetch


def empty_document() -> bytes:
    content = io.BytesIO()
    docx.Document().save(content)
    return content.getvalue()


def all_parts(error: BaseException) -> Iterator[str]:
    """All parts of an error that a log, a report or another process might show."""
    yield "".join(traceback.format_exception(error))
    yield pickle.dumps(error).decode("latin-1")
    link: BaseException | None = error
    while link is not None:
        yield f"{link}{link!r}{vars(link)}"
        if isinstance(link, ProvError) and link.response is not None:
            yield from shown(link.response)
        request = getattr(link, "_request", None)
        if request is not None:
            yield f"{request.url}{request.url!r}{request.url.raw_path!r}"
        link = link.__cause__ or link.__context__


def shown(response: Any) -> Iterator[str]:
    request = response.request
    yield f"{response.text}{response.content!r}{response.headers.raw!r}"
    yield f"{request.url}{request.url!r}{request.url.raw_path!r}"
    yield f"{request.headers}{request.extensions}"


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    # httpcore logs the raw traffic at DEBUG.
    records = [record for record in caplog.records if record.name != "httpcore.http11"]
    return [f"{record.getMessage()}{record.args!r}" for record in records]


def assert_no_secrets(texts: list[str]) -> None:
    assert texts
    leaks = [text for text in texts for secret in SECRETS if secret in text]
    assert leaks == []


def test_a_signed_url_is_requested_unchanged_and_never_logged(
    fetch: Fetch, store: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    content = empty_document()
    store.response = reply(content, DOCX)
    with raw_responses() as responses:
        assert run(fetch(f"{store.url}/bucket/a%20report.docx?{QUERY}")) == content
    (request,) = store.received
    assert request.token is None
    assert request.query["X-Amz-Signature"] == SIGNATURE
    assert request.path == "/bucket/a%20report.docx"
    assert_no_secrets(logged(caplog))
    assert any("/bucket/a%20report.docx" in line for line in logged(caplog))
    assert len(responses) == 3
    assert_no_secrets([text for response in responses for text in shown(response)])


@pytest.mark.parametrize(
    "target",
    [
        "/bucket/a%2Fb%2f%20~%7E%7e/[1]/r(2)!$&'*+,;=:@.docx?X-Sig=%2f%2F%7E~[a]&Y=a+b%20/?:@!$'()*,;",
        "/r%41.docx?X-Sig=aGVsbG8%3d%3D&Z={1}|2",
        "//bucket//r.docx?X-Sig=1",
    ],
)
@every_transport
def test_a_signed_url_reaches_the_object_store_byte_for_byte(
    target: str, server: Server, store: Server
) -> None:
    content = empty_document()
    store.response = reply(content, DOCX)
    job_at(server, f"{store.url}{target}")
    assert run(client_for(server.url).jobs.wait_for_report(SESSION)) == content
    assert store.last.target == target


EXPIRED = (
    "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Request has expired</Message>"
    f"<SignatureProvided>{SIGNATURE}</SignatureProvided><Query>{QUERY}</Query>"
    f"<Less>{ENCODED.replace('%2F', '/')}</Less>"
    "<AWSAccessKeyId>AKIAIOSFODNN7</AWSAccessKeyId></Error>"
).encode()
PAGE = f"<html><title>Sign in to see ?{QUERY}</title></html>".encode()

with socket.socket() as unused:
    unused.bind(("127.0.0.1", 0))
    GONE = f"http://127.0.0.1:{unused.getsockname()[1]}"

BROKEN: dict[str, tuple[Response, type[ProvError]]] = {
    "expired": (reply(EXPIRED, "application/xml", 403), ReportError),
    "gone": (reply(EXPIRED, "application/xml", 404), ReportError),
    "html": (reply(PAGE, "text/html"), ReportError),
    "html as a document": (reply(PAGE, DOCX), ReportError),
    "json": (json_reply({"query": QUERY, "signature": SIGNATURE}), ReportError),
    "empty": (reply(b"", DOCX), ReportError),
    "truncated": (Cut(reply(empty_document(), DOCX)[:5000]), TransportError),
    "half a document": (reply(empty_document()[:5000], DOCX), ReportError),
    "broken compression": (
        reply(b"no gzip", DOCX, headers={"Content-Encoding": "gzip"}),
        ProvError,
    ),
    "redirect": (reply(PAGE, None, 302, {"Location": f"{GONE}/r.docx?{QUERY}"}), TransportError),
    "redirect to no URL": (
        reply(PAGE, None, 307, {"Location": f"http://[::?{QUERY}"}),
        ReportError,
    ),
    "redirect to ftp": (
        reply(PAGE, None, 301, {"Location": f"ftp://a.test/?{QUERY}"}),
        ReportError,
    ),
    "redirect without a location": (reply(PAGE, None, 307), ReportError),
    "echo": (reply(b"", None, 400, {"X-Echo": f"/r?{QUERY}", "Link": SIGNATURE}), ProvError),
    "no http": (f"SPEAK {QUERY}\r\n\r\n".encode(), TransportError),
    "closed": (None, TransportError),
}


@pytest.mark.parametrize("name", BROKEN)
def test_no_error_shows_a_signed_url(
    fetch: Fetch, name: str, store: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store.response, kind = BROKEN[name]
    store.keeps_open = name != "no http"
    with raw_responses() as responses:
        error = failure(kind, fetch(f"{store.url}/bucket/report.docx?{QUERY}"))
    assert error.operation == "fetch_report"
    assert len(store.received) == 1
    assert_no_secrets([*all_parts(error), *logged(caplog)])
    assert_no_secrets([text for response in responses for text in shown(response)])
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_signed_url_is_not_shown(
    fetch: Fetch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Server() as gone:
        pass
    error = failure(TransportError, fetch(f"{gone.url}/report.docx?{QUERY}"))
    assert "could not be opened" in str(error)
    assert_no_secrets([*all_parts(error), *logged(caplog)])


@pytest.mark.parametrize(
    "address",
    [
        f"ftp://store.test/report.docx?{QUERY}",
        f"/report.docx?{QUERY}",
        f"http://?{QUERY}",
        f"http://[::1?{QUERY}",
        f"http://store.test:port/?{QUERY}",
        "",
    ],
)
def test_an_invalid_signed_url_is_rejected_and_not_shown(fetch: Fetch, address: str) -> None:
    error = failure(ReportError, fetch(address))
    assert error.session_id == SESSION
    assert_no_secrets(list(all_parts(error)))


def test_user_information_in_a_signed_url_is_not_sent(fetch: Fetch, store: Server) -> None:
    store.response = reply(empty_document(), DOCX)
    run(fetch(f"{store.url.replace('://', '://ann:hush@')}/report.docx?{QUERY}"))
    assert store.last.token is None


def test_a_report_error_names_the_job(fetch: Fetch, store: Server) -> None:
    store.response = reply(b"nothing", DOCX)
    error = failure(ReportError, fetch(f"{store.url}/report.docx?{QUERY}"))
    assert error.session_id == SESSION
    assert isinstance(error, AssertionError)
    assert "7 bytes that are not a .docx document" in str(error)


@pytest.mark.parametrize("style", ["document", "job"])
@pytest.mark.parametrize("framing", ["length", "close"])
def test_an_incomplete_report_is_requested_again(
    way: Way, style: str, framing: str, servers: tuple[Server, Server], tmp_path: Path
) -> None:
    server, store = servers
    content = empty_document()
    sizes = [5, 5_000, len(content) - 1, len(content)]

    def respond(_: Received) -> Reply:
        whole = reply(content[: sizes.pop(0)], DOCX)
        if framing == "length":
            return whole
        return re.sub(rb"Content-Length: [0-9]+\r\n", b"", whole)

    store.keeps_open = server.keeps_open = framing == "length"
    if style == "job":
        job_at(server, f"{store.url}/report.docx?{QUERY}")
        store.response = respond
    else:
        server.response = respond
    client = retrying_client(server.url)
    error = failure(ReportError, way(client, REQUEST, tmp_path))
    assert f"{len(content) - 1} bytes of a .docx document, which is incomplete" in str(error)
    assert [attempt.error for attempt in error.attempts] == ["ReportError"] * 3
    assert error.session_id == (SESSION if style == "job" else None)
    assert list(tmp_path.iterdir()) == []
    assert run(way(client, REQUEST, tmp_path)) == content
    assert sizes == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_of_an_object_store_are_followed(
    fetch: Fetch, status: int, store: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    content = empty_document()
    with Server(reply(content, DOCX)) as region:
        locations = ["/here?X-Hop=secondsecret", f"{region.url}/there%2F~%7e?{QUERY}"]

        def respond(_: Received) -> Reply:
            location = locations.pop(0)
            return reply(
                f"Moved to {location}".encode(), "text/plain", status, {"Location": location}
            )

        store.response = respond
        with raw_responses() as responses:
            assert run(fetch(f"{store.url}/report.docx?X-Hop=firstsecret")) == content
        assert [request.query for request in store.received] == [
            {"X-Hop": "firstsecret"},
            {"X-Hop": "secondsecret"},
        ]
        assert region.last.path == "/there%2F~%7e"
        assert region.last.query["X-Amz-Signature"] == SIGNATURE
        assert not any(request.token for request in (*store.received, *region.received))
    texts = [*logged(caplog), *(text for response in responses for text in shown(response))]
    assert_no_secrets(texts)
    assert not any("secondsecret" in text for text in texts)


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("/again", "there are more than 5"),
        ("ftp://store.test/r", "it is not an absolute http or https URL"),
        ("http://[::1", "it does not lead to a URL"),
    ],
)
def test_a_redirect_that_is_not_followed_is_explained(
    fetch: Fetch, location: str, reason: str, store: Server
) -> None:
    store.response = reply(b"", None, 307, {"Location": f"{location}?{QUERY}"})
    error = failure(ReportError, fetch(f"{store.url}/report.docx?{QUERY}"))
    assert str(error).endswith(f"redirects (307), and the redirect is not followed: {reason}")
    assert (error.status_code, error.session_id) == (307, SESSION)
    assert "Config" not in str(error)
    assert len(store.received) == (6 if location == "/again" else 1)
    assert_no_secrets(list(all_parts(error)))


def test_a_redirect_to_http_is_not_followed(fetch: Fetch, server: Server, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    redirect = reply(b"", None, 307, {"Location": f"{server.url}/r?{QUERY}"})
    with Server(redirect, tls=server_context(bundle)) as store:
        error = failure(ReportError, fetch(f"{store.url}/report.docx?{QUERY}", verify=bundle))
    assert "it leads from https to http" in str(error)
    assert "/r" not in [request.path for request in server.received]
    assert_no_secrets(list(all_parts(error)))


def test_an_expired_report_after_a_redirect_is_explained(fetch: Fetch, store: Server) -> None:
    store.response = Script(
        reply(b"", None, 307, {"Location": f"/other?{QUERY}"}),
        reply(EXPIRED, "application/xml", 403),
    )
    error = failure(ReportError, fetch(f"{store.url}/report.docx?{QUERY}"))
    assert "valid for about an hour" in str(error)
    assert_no_secrets(list(all_parts(error)))


@pytest.mark.parametrize("kind", [DOCX, "application/octet-stream", "binary/octet-stream", None])
def test_a_report_may_have_any_content_type(fetch: Fetch, store: Server, kind: str | None) -> None:
    content = empty_document()
    store.response = reply(content, kind)
    assert run(fetch(f"{store.url}/report.docx?{QUERY}")) == content


@BOTH
def test_nothing_is_sent_if_the_path_cannot_be_written(tmp_path: Path) -> None:
    with Sandbox(report_style="job") as sandbox:
        client = sandbox_client(sandbox)
        request = report_request(sandbox)
        failure(InvalidRequestError, client.download_report(request, tmp_path / "no" / "r.docx"))
        failure(InvalidRequestError, client.jobs.save_report(SESSION, tmp_path / "no" / "r.docx"))
        assert sandbox.requests == []


class Proxy(socketserver.ThreadingTCPServer):
    """A proxy that responds itself, depending on the request, and records the requests."""

    daemon_threads = True

    def __init__(self, *responses: tuple[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _ProxyHandler)
        self.responses = responses
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.002,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.shutdown()
        self.server_close()


class _ProxyHandler(socketserver.StreamRequestHandler):
    server: Proxy

    def handle(self) -> None:
        while first := self.rfile.readline().decode():
            request = first.rpartition(" ")[0]
            self.server.requests.append(request)
            while self.rfile.readline().strip():
                pass
            self.wfile.write(
                next(response for part, response in self.server.responses if part in request)
            )


@pytest.mark.parametrize("scheme", ["http", "https"])
@every_transport
def test_a_signed_url_is_requested_through_the_proxy(scheme: str) -> None:
    address = f"{scheme}://store.test/report.docx?{QUERY}"
    content = empty_document()
    responses = [
        ("/job-api/jobs/user/fetch", job_reply("SUCCEEDED", result={"report_url": address})),
        ("GET http://store.test/report.docx", reply(content, DOCX)),
        ("CONNECT", reply(b"", None, 407)),
    ]
    with Proxy(*responses) as proxy:
        client = client_for("http://127.0.0.1:9", proxy=proxy.url)
        if scheme == "http":
            assert run(client.jobs.wait_for_report(SESSION)) == content
            assert proxy.requests[-1] == f"GET {address}"
        else:
            error = failure(TransportError, client.jobs.wait_for_report(SESSION))
            assert proxy.requests[-1] == "CONNECT store.test:443"
            assert_no_secrets(list(all_parts(error)))


def test_a_report_is_streamed_to_its_file(server: Server, store: Server, tmp_path: Path) -> None:
    size = 40_000_000
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("[Content_Types].xml", b"<Types/>")
        archive.writestr("word/media/large.bin", bytes(size))
    response = reply(content.getvalue(), DOCX)
    del content
    store.response = response
    job_at(server, f"{store.url}/report.docx?{QUERY}")
    client = client_for(server.url)
    run(client.jobs.wait(SESSION))
    tracemalloc.start()
    try:
        path = run(client.download_report(REQUEST, tmp_path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > size
    assert peak < size / 4


def test_the_file_of_a_failed_report_is_removed(server: Server, tmp_path: Path) -> None:
    listed: list[int] = []

    def respond(_: Received) -> Reply:
        listed.append(len(list(tmp_path.iterdir())))
        return job_reply("FAILED", info="No.")

    server.response = respond
    client = client_for(server.url)
    failure(JobFailedError, client.jobs.save_report(SESSION, tmp_path))
    assert listed == [1]
    assert list(tmp_path.iterdir()) == []
