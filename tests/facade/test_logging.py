"""Logging: one line per attempt, at DEBUG, without secrets."""

from __future__ import annotations

import logging
import re
import subprocess
import sys

import pytest
from clients import TOKEN, config_for, new, run
from scripted_server import Server, reply

from prov_facade import (
    BearerToken,
    ProvClient,
    RetryPolicy,
    ServerError,
    TransportError,
    raw_responses,
)

TWO_ATTEMPTS = RetryPolicy(attempts=2, backoff=0)


def client(server: Server) -> ProvClient:
    return new(ProvClient, BearerToken(TOKEN), config_for(server.url), retries=TWO_ATTEMPTS)


def test_each_attempt_is_logged(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "prov_facade")
    server.response = reply(status=503)
    with pytest.raises(ServerError):
        run(client(server).explore_upstream("10378.1/7"))
    lines = [record.message for record in caplog.records if record.name == "prov_facade"]
    assert len(lines) == 2
    for number, line in enumerate(lines, 1):
        assert re.fullmatch(
            rf"GET /explore/upstream: 503 in \d+\.\d{{3}} s, attempt {number}", line
        )


def test_a_broken_connection_is_logged(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "prov_facade")
    with pytest.raises(TransportError):
        run(client(server).get_health_check())
    lines = [record.message for record in caplog.records if record.name == "prov_facade"]
    assert [re.sub(r"\d+\.\d+", "t", line) for line in lines] == [
        f"GET /: RemoteProtocolError in t s, attempt {number}" for number in (1, 2)
    ]


def test_nothing_is_logged_without_a_handler() -> None:
    script = (
        "import prov_facade, logging; logging.getLogger('prov_facade').error('quite a problem')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout + done.stderr == ""


def test_raw_responses_are_recorded(server: Server) -> None:
    body = b'{"message": "Health check successful."}'
    server.response = reply(body, headers={"X-Request-Id": "r-1"})

    async def call() -> None:
        health = client(server)
        with raw_responses() as responses:
            assert (await health.get_health_check()).message
            assert [response.content for response in responses] == [body]
            assert responses[-1].headers["x-request-id"] == "r-1"
            assert "authorization" not in responses[-1].request.headers
        await health.get_health_check()
        assert len(responses) == 1

    run(call())


def test_an_error_has_the_request_id_of_the_server(server: Server) -> None:
    server.response = reply(status=500, headers={"X-Amzn-Trace-Id": "Root=1-2"})
    with pytest.raises(ServerError) as caught:
        run(client(server).get_health_check())
    assert caught.value.request_id == "Root=1-2"
