"""Compressed responses: complete, incomplete, corrupted, and in several members."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard
from api_document import DOCX
from clients import BOTH, client_for, every_transport, failure, retrying_client, run
from sample_calls import DOCUMENT, LINEAGE, RECORD, REPORT, SAMPLES
from scripted_server import Script, Server, json_reply, reply

from prov_facade import InvalidResponseError, NotFoundError, ProvClient, TransportError

CSV = "".join(f"{number},Größe € {number * 7919}\r\n" for number in range(20_000)).encode()


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


Encode = Callable[[bytes], bytes]
CODINGS: dict[str, tuple[str, Encode]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZIP", gzip.compress),
    "zlib": ("deflate", zlib.compress),
    "deflate": ("deflate", raw_deflate),
    "brotli": ("br", lambda body: brotli.compress(body, quality=1)),
    "zstd": ("zstd", zstandard.ZstdCompressor(write_checksum=True).compress),
    "twice": ("deflate, gzip", lambda body: gzip.compress(zlib.compress(body))),
}
EVERY_CODING = pytest.mark.parametrize("coding", CODINGS)


def framed(framing: str, body: bytes, content_type: str, coding: str) -> bytes:
    """A complete message with this body, whether or not the body itself is complete."""
    headers = {"Content-Encoding": CODINGS[coding][0]}
    if framing == "length":
        return reply(body, content_type, headers=headers)
    lines = [
        "HTTP/1.1 200 OK",
        f"Content-Type: {content_type}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if framing == "close":
        lines.append("Connection: close")
    else:
        lines.append("Transfer-Encoding: chunked")
        # Small chunks at the beginning, so that a member or a header ends between two of them.
        sizes = [1] * 50 + [len(body)]
        chunks, position = [], 0
        for size in sizes:
            chunk = body[position : position + size]
            position += size
            if chunk:
                chunks.append(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        body = b"".join(chunks) + b"0\r\n\r\n"
    return "\r\n".join([*lines, "", ""]).encode() + body


async def as_text(client: ProvClient, _: Path) -> bytes:
    return (await client.generate_csv_template("1")).encode()


async def as_file(client: ProvClient, folder: Path) -> bytes:
    saved = await client.save_csv_template("1", folder / "saved.csv")
    return saved.read_bytes()


async def as_bytes(client: ProvClient, _: Path) -> bytes:
    return await client.generate_report(REPORT)


async def as_json(client: ProvClient, _: Path) -> bytes:
    lineage = await client.explore_upstream("1")
    assert lineage.to_dict()["graph"] == LINEAGE["graph"]
    return JSON


JSON = json_reply(LINEAGE).partition(b"\r\n\r\n")[2]
Way = Callable[[ProvClient, Path], Coroutine[Any, Any, bytes]]
WAYS: dict[str, tuple[Way, bytes, str]] = {
    "text": (as_text, CSV, "text/csv"),
    "file": (as_file, CSV, "text/csv"),
    "bytes": (as_bytes, DOCUMENT, DOCX),
    "json": (as_json, JSON, "application/json"),
}
EVERY_WAY = pytest.mark.parametrize("way", WAYS)
EVERY_FRAMING = pytest.mark.parametrize("framing", ["length", "chunked", "close"])


def serve(server: Server, framing: str, *replies: bytes) -> None:
    server.keeps_open = framing != "close"
    server.response = Script(*replies)


@EVERY_CODING
@EVERY_FRAMING
@EVERY_WAY
def test_a_compressed_body_is_decoded(
    coding: str, framing: str, way: str, server: Server, tmp_path: Path
) -> None:
    call, content, content_type = WAYS[way]
    serve(server, framing, framed(framing, CODINGS[coding][1](content), content_type, coding))
    assert run(call(client_for(server.url), tmp_path)) == content


@EVERY_CODING
@EVERY_FRAMING
@EVERY_WAY
def test_an_incomplete_body_is_requested_again(
    coding: str, framing: str, way: str, server: Server, tmp_path: Path
) -> None:
    call, content, content_type = WAYS[way]
    body = CODINGS[coding][1](content)
    parts = [body[:size] for size in (0, 1, len(body) // 2, len(body) - 1, len(body))]
    serve(server, framing, *(framed(framing, part, content_type, coding) for part in parts))
    client = retrying_client(server.url)
    error = failure(TransportError, call(client, tmp_path))
    assert "ended too early" in str(error)
    assert len(error.attempts) == 3
    assert list(tmp_path.iterdir()) == []
    assert run(call(client, tmp_path)) == content
    assert len(server.received) == 5


@every_transport
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_every_transport_detects_an_incomplete_body(
    framing: str, server: Server, tmp_path: Path
) -> None:
    body = gzip.compress(CSV)
    serve(
        server,
        framing,
        framed(framing, body[: len(body) // 2], "text/csv", "gzip"),
        framed(framing, body, "text/csv", "gzip"),
    )
    assert run(as_file(retrying_client(server.url), tmp_path)) == CSV
    assert len(server.received) == 2


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@EVERY_FRAMING
@EVERY_WAY
def test_every_member_of_a_body_is_decoded(
    coding: str, framing: str, way: str, server: Server, tmp_path: Path
) -> None:
    call, content, content_type = WAYS[way]
    encode = CODINGS[coding][1]
    size = len(content) // 3 + 1
    members = [content[:1], b"", *(content[at : at + size] for at in range(1, len(content), size))]
    body = b"".join(map(encode, members))
    short = body[: len(body) - len(encode(members[-1])) + 3]  # within the header of the last one
    replies = (framed(framing, part, content_type, coding) for part in (short, body))
    serve(server, framing, *replies)
    assert run(call(retrying_client(server.url), tmp_path)) == content
    assert len(server.received) == 2


def corrupted(body: bytes) -> bytes:
    """Change a byte in the middle."""
    at = len(body) // 2
    return body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1 :]


CHANGES: dict[str, Encode] = {"byte": corrupted, "end": lambda body: body + b"more"}
CORRUPTED = [
    *((coding, "end") for coding in CODINGS),
    *((coding, "byte") for coding in ("gzip", "zlib", "zstd", "twice")),  # with a checksum
]


@pytest.mark.parametrize(("coding", "change"), CORRUPTED)
@pytest.mark.parametrize("way", ["text", "file"])
def test_a_corrupted_body_is_an_invalid_response(
    coding: str, change: str, way: str, server: Server, tmp_path: Path
) -> None:
    call, content, content_type = WAYS[way]
    body = CHANGES[change](CODINGS[coding][1](content))
    server.response = framed("chunked", body, content_type, coding)
    error = failure(InvalidResponseError, call(retrying_client(server.url), tmp_path))
    assert "compression of the body is broken" in str(error)
    assert len(server.received) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_write_with_an_incomplete_response_is_not_repeated(server: Server) -> None:
    body = gzip.compress(SAMPLES["register_model_run"].reply.partition(b"\r\n\r\n")[2])
    server.response = framed("length", body[:-1], "application/json", "gzip")
    call = retrying_client(server.url).register_model_run(RECORD)
    error = failure(TransportError, call)
    assert error.may_have_arrived
    assert "check before sending it again" in str(error)
    assert len(server.received) == 1


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_an_error_may_have_an_encoding_and_no_body(coding: str, server: Server) -> None:
    server.response = reply(b"", None, 404, {"Content-Encoding": coding})
    failure(NotFoundError, client_for(server.url).explore_upstream("1"))


@pytest.mark.parametrize("name", ["identity", "utf-8", "aws-chunked", ""])
def test_other_names_than_encodings_are_ignored(name: str, server: Server, tmp_path: Path) -> None:
    server.response = reply(CSV, "text/csv", headers={"Content-Encoding": name})
    assert run(as_file(client_for(server.url), tmp_path)) == CSV


@BOTH
@pytest.mark.parametrize(
    ("coding", "modules"), [("brotli", ["brotli", "brotlicffi"]), ("zstd", ["zstandard"])]
)
def test_an_encoding_whose_package_is_missing_is_named(
    coding: str, modules: list[str], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    name, encode = CODINGS[coding]
    server.response = reply(encode(CSV), "text/csv", headers={"Content-Encoding": name})
    error = failure(InvalidResponseError, client_for(server.url).generate_csv_template("1"))
    assert "install prov-facade[compression]" in str(error)
