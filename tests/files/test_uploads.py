"""Uploads of CSV files, streamed from disk."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from clients import TOKEN, config_for, every_transport, failure, new, run
from facade.test_documents import uploaded
from files.saving import CSV, NO_BACKOFF
from sample_calls import SAMPLES
from scripted_server import Received, Server, reply

from prov_facade import BearerToken, FileError, InvalidRequestError, ProvClient, models

MARK = b"\xef\xbb\xbf"
CONVERTED = SAMPLES["convert_model_runs_to_csv"].reply


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        (CSV, CSV),
        (MARK + CSV, CSV),
        (MARK + MARK, MARK),
        (MARK, b""),
        (b"\xef\xbb", b"\xef\xbb"),
        (b"a\r\nb\rc\n", b"a\r\nb\rc\n"),
        (b"", b""),
        (b"\xff\xfe", b"\xff\xfe"),
    ],
    ids=["text", "mark", "marks", "mark alone", "half a mark", "line ends", "empty", "not utf-8"],
)
@every_transport
def test_a_file_is_sent_unchanged_without_its_byte_order_mark(
    content: bytes,
    sent: bytes,
    server: Server,
    tmp_path: Path,
) -> None:
    path = tmp_path / 'ann\'s "runs" é.csv'
    path.write_bytes(content)
    server.response = CONVERTED

    async def upload() -> models.ConvertModelRunsResponse:
        async with new(ProvClient, BearerToken(TOKEN), config_for(server.url)) as client:
            return await client.convert_model_runs_file(path)

    response = run(upload())
    head, body = uploaded(server)
    assert body == sent
    assert re.findall(r'\w+="[^"]*"', head) == ['name="csv_file"', 'filename="model_runs.csv"']
    assert "Content-Type: text/csv" in head
    assert isinstance(response, models.ConvertModelRunsResponse)


def test_a_file_is_sent_in_the_same_form_as_text(
    server: Server, client: ProvClient, tmp_path: Path
) -> None:
    path = tmp_path / "runs.csv"
    path.write_bytes(CSV)
    server.response = CONVERTED
    run(client.convert_model_runs_file(str(path)))
    by_file = uploaded(server)
    run(client.convert_model_runs_to_csv(CSV.decode()))
    assert uploaded(server) == by_file


def test_every_attempt_sends_the_whole_file(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_bytes(MARK + CSV)
    responses = [None, reply(status=502), reply(status=429), CONVERTED]
    server.response = lambda _: responses.pop(0)
    client = new(ProvClient, BearerToken(TOKEN), config_for(server.url), retries=NO_BACKOFF)
    run(client.convert_model_runs_file(path))
    assert len(server.received) == 4
    assert all(CSV in received.body for received in server.received)
    assert all(MARK not in received.body for received in server.received)


@pytest.mark.parametrize("path", ["", "none.csv", ".", "runs.csv/x", 7, None, b"x", "a\0b"])
def test_an_invalid_file_is_not_sent(
    path: Any, server: Server, client: ProvClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs.csv").write_bytes(CSV)
    error = failure(InvalidRequestError, client.convert_model_runs_file(path))
    assert (error.operation, error.path) == ("convert_model_runs_to_csv", "$.path")
    assert not server.opened


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs os.mkfifo")
def test_a_pipe_is_rejected_without_reading(
    server: Server, client: ProvClient, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    failure(InvalidRequestError, client.convert_model_runs_file(tmp_path / "pipe"))
    assert not server.opened


@pytest.mark.parametrize("change", ["grow", "shrink", "rewrite"])
def test_a_file_that_changes_while_it_is_sent_is_an_error(
    change: str, server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "runs.csv"
    path.write_bytes(CSV)

    def alter(_: Received) -> bytes:
        if change == "grow":
            path.write_bytes(CSV * 2)
        elif change == "shrink":
            path.write_bytes(CSV[:-70_000])
        else:
            path.write_bytes(CSV[::-1])
            os.utime(path, ns=(1, 1))
        return reply(status=502)

    server.response = alter
    client = new(ProvClient, BearerToken(TOKEN), config_for(server.url), retries=NO_BACKOFF)
    error = failure(FileError, client.convert_model_runs_file(path))
    assert "changed" in str(error)
    assert (error.errno, error.filename) == (None, str(path))
    assert len(error.attempts) == 2
