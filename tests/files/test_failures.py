"""Downloads that are interrupted or cancelled, or have invalid contents."""

from __future__ import annotations

import asyncio
import gzip
import sys
from pathlib import Path

import pytest
from api_document import DOCX
from clients import ASYNC_ONLY, TOKEN, client_for, config_for, failure, new, run
from files.saving import (
    CSV,
    DOCUMENT,
    EVERY_KIND,
    KINDS,
    NO_BACKOFF,
    Kind,
    files_in,
    wait_until_written,
)
from python_process import run_python
from sample_calls import zipped
from scripted_server import Received, Server, reply

from prov_facade import (
    BearerToken,
    InvalidResponseError,
    ProvClient,
    ReportError,
    TransportError,
    TransportTimeoutError,
)

REPORT, TEMPLATE, BATCH = KINDS


@EVERY_KIND
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_partial_file_is_never_visible(
    kind: Kind, overwrite: bool, server: Server, client: ProvClient, folder: Path
) -> None:
    before = {kind.name: b"mine"} if overwrite else {}
    for name, content in before.items():
        (folder / name).write_bytes(content)
    server.response, server.keeps_open = kind.half, False
    error = failure(TransportError, kind.save(client, folder, overwrite=overwrite))
    assert error.may_have_arrived
    assert files_in(folder) == before


@EVERY_KIND
def test_a_second_attempt_starts_from_the_beginning(
    kind: Kind, server: Server, folder: Path
) -> None:
    halves = [kind.half, kind.half[:-70_000]]
    server.response = lambda _: halves.pop(0) if halves else kind.reply
    server.keeps_open = False
    client = new(ProvClient, BearerToken(TOKEN), config_for(server.url), retries=NO_BACKOFF)
    run(kind.save(client, folder))
    assert len(server.received) == 3
    assert files_in(folder) == {kind.name: kind.content}


def test_a_second_attempt_keeps_nothing_of_the_first(server: Server, folder: Path) -> None:
    responses = [TEMPLATE.half, reply(b"a,b\r\n", "text/csv")]
    server.response = lambda _: responses.pop(0)
    server.keeps_open = False
    client = new(ProvClient, BearerToken(TOKEN), config_for(server.url), retries=NO_BACKOFF)
    run(TEMPLATE.save(client, folder))
    assert files_in(folder) == {TEMPLATE.name: b"a,b\r\n"}


@ASYNC_ONLY
@EVERY_KIND
def test_a_cancelled_download_leaves_no_file(
    kind: Kind, server: Server, client: ProvClient, folder: Path
) -> None:
    server.response = kind.half

    async def cancelled() -> None:
        call = asyncio.ensure_future(kind.save(client, folder))
        await wait_until_written(folder)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert files_in(folder) == {}

    run(cancelled())


@pytest.mark.stress
@ASYNC_ONLY
@EVERY_KIND
def test_a_download_cancelled_at_any_moment_leaves_the_whole_file_or_none(
    kind: Kind, server: Server, client: ProvClient, folder: Path
) -> None:
    server.response = kind.reply

    async def cancelled() -> int:
        whole = 0
        for step in range(60):
            call = asyncio.ensure_future(kind.save(client, folder, overwrite=True))
            await asyncio.sleep(step / 2000)
            call.cancel()
            outcome = (await asyncio.gather(call, return_exceptions=True))[0]
            if isinstance(outcome, Path):
                assert files_in(folder) == {kind.name: kind.content}
                whole += 1
                outcome.unlink()
            else:
                assert isinstance(outcome, asyncio.CancelledError)
                assert files_in(folder) == {}
        return whole

    run(cancelled())
    assert files_in(folder) == {}


def test_a_stalled_download_times_out(server: Server, client: ProvClient, folder: Path) -> None:
    server.response = REPORT.half
    failure(TransportTimeoutError, REPORT.save(client, folder, timeout=0.2))
    assert files_in(folder) == {}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "an empty body"),
        (b"<html>Sign in</html>", "20 bytes that are not"),
        (zipped("word/document.xml"), "that are not a .docx document"),
        (DOCUMENT[: len(DOCUMENT) // 2], "of a .docx document, which is incomplete"),
    ],
    ids=["empty", "html", "other zip", "half"],
)
def test_an_invalid_document_is_not_saved(
    body: bytes, message: str, server: Server, client: ProvClient, folder: Path
) -> None:
    (folder / REPORT.name).write_bytes(b"mine")
    server.response = reply(body, DOCX)
    error = failure(ReportError, REPORT.save(client, folder, overwrite=True))
    assert message in str(error)
    assert (error.status_code, error.session_id) == (200, None)
    assert files_in(folder) == {REPORT.name: b"mine"}


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (CSV + b"\xff,", "text/csv", f"invalid start byte at position {len(CSV)}"),
        (CSV[: 1 << 20] + b"\xff" + CSV, "text/csv", "at position"),
        (CSV + "€".encode()[:2], "text/csv", f"unexpected end of data at position {len(CSV)}"),
        (CSV, "text/csv; charset=ascii", "the text is not ascii"),
        (CSV, "text/csv; charset=hex", "the text is not hex"),
        (CSV, "text/csv; charset=nonsense", "the text is not nonsense"),
        (b"odd", "text/csv; charset=utf-16", "the text is not utf-16"),
    ],
    ids=["byte", "inside", "end", "ascii", "hex", "nonsense", "utf-16"],
)
def test_text_that_cannot_be_decoded_is_not_saved(
    body: bytes, content_type: str, message: str, server: Server, folder: Path
) -> None:
    client = client_for(server.url)
    server.response = reply(body, content_type)
    whole = failure(InvalidResponseError, client.generate_csv_template("10378.1/40"))
    error = failure(InvalidResponseError, TEMPLATE.save(client, folder))
    assert type(error) is type(whole)
    assert message in str(error)
    assert error.status_code == 200
    assert files_in(folder) == {}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "text/csv"),
        (b"\xef\xbb\xbfa\r\nb\rc\n", "text/csv; charset=UTF-8"),
        ("é,€\n".encode("cp1252"), "text/csv; charset=cp1252"),
        ("é,€\n".encode("utf-16"), "text/csv; charset=utf-16"),
    ],
    ids=["empty", "line ends", "cp1252", "utf-16"],
)
def test_text_is_saved_unchanged(
    body: bytes, content_type: str, server: Server, client: ProvClient, folder: Path
) -> None:
    server.response = reply(body, content_type)
    run(TEMPLATE.save(client, folder))
    assert files_in(folder) == {TEMPLATE.name: body}


def test_a_compressed_response_is_saved_uncompressed(
    server: Server, client: ProvClient, folder: Path
) -> None:
    server.response = reply(gzip.compress(CSV), "text/csv", headers={"Content-Encoding": "gzip"})
    run(TEMPLATE.save(client, folder))
    assert files_in(folder) == {TEMPLATE.name: CSV}
    server.response = reply(b"not gzip", "text/csv", headers={"Content-Encoding": "gzip"})
    error = failure(InvalidResponseError, TEMPLATE.save(client, folder, overwrite=True))
    assert "compression" in str(error)
    assert files_in(folder) == {TEMPLATE.name: CSV}


def test_no_error_of_a_download_contains_the_token(
    server: Server, client: ProvClient, folder: Path
) -> None:
    def echo(request: Received) -> bytes:
        return reply(
            b"\xff" + (request.token or "").encode(),
            "text/csv",
            headers={"X-Echo": request.token or "", "Set-Cookie": f"t={TOKEN}"},
        )

    server.response = echo
    error = failure(InvalidResponseError, TEMPLATE.save(client, folder))
    assert TOKEN not in str(error)
    assert error.response is not None
    assert TOKEN not in repr(error.response.headers)
    assert "authorization" not in error.response.request.headers


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_a_full_disk_is_a_file_error_and_leaves_no_file(server: Server, folder: Path) -> None:
    # In a separate process, which cannot write files larger than 2 MB.
    server.response = BATCH.reply
    script = f"""
import asyncio, errno, pickle, resource, signal
from clients import client_for
from prov_facade import FileError, InvalidRequestError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
try:
    asyncio.run(client_for({server.url!r}).save_csv_from_batch("b", {str(folder / "x.csv")!r}))
except FileError as error:
    assert isinstance(error, OSError) and not isinstance(error, InvalidRequestError)
    assert (error.errno, error.strerror) == (errno.EFBIG, "File too large"), error
    assert error.filename == {str(folder / "x.csv")!r}
    assert error.operation == "regenerate_csv_from_model_run_batch"
    assert isinstance(error.__cause__, OSError)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.errno, copy.filename) == (str(error), errno.EFBIG, error.filename)
    print(error)
"""
    done = run_python("-W", "error", "-c", script)
    assert (done.returncode, done.stderr) == (0, "")
    assert "could not be saved" in done.stdout
    assert "File too large" in done.stdout
    assert len(server.received) == 1  # it is not retried
    assert files_in(folder) == {}
