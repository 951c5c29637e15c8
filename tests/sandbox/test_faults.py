"""Injected faults: the responses, the errors of the client, and the effects on the sandbox."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from sandbox import http
from sandbox.conftest import Session

from prov_facade import (
    InvalidResponseError,
    PermissionDeniedError,
    ProvClient,
    RateLimitedError,
    ServerError,
    TransportError,
    TransportTimeoutError,
)
from prov_facade.sandbox import (
    Fault,
    Item,
    Sandbox,
    denied_item,
    expired_token,
    gateway,
    statuses,
    unhandled_error,
)


def test_each_fault_applies_once_and_in_order(sandbox: Sandbox) -> None:
    sandbox.faults.add("get_health_check", *statuses([500, 503, 429]))
    seen = [http.get(f"{sandbox.url}/").status_code for _ in range(5)]
    assert seen == [500, 503, 429, 200, 200]
    assert sandbox.faults.left("get_health_check") == 0


def test_only_the_named_operation_fails(sandbox: Sandbox, session: Session) -> None:
    sandbox.faults.add("get_health_check", Fault(status=500))
    assert session.run(lambda c: c.check_general_access()).username == "sandbox"
    sandbox.faults.clear()
    assert http.get(f"{sandbox.url}/").status_code == 200


def test_a_gateway_responds_with_html(sandbox: Sandbox, session: Session) -> None:
    sandbox.faults.add("get_health_check", gateway(502), gateway(504, "Gateway Time-out"))
    for status in (502, 504):
        with pytest.raises(ServerError) as caught:
            session.run(lambda c: c.get_health_check())
        assert caught.value.status_code == status


def test_faults_can_have_headers(sandbox: Sandbox, session: Session) -> None:
    fault = Fault(status=429, body=b'{"detail": "slow"}', headers={"Retry-After": "7"})
    sandbox.faults.add("get_health_check", fault)
    with pytest.raises(RateLimitedError) as caught:
        session.run(lambda c: c.get_health_check())
    assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    "fault",
    [
        *(Fault(drop=True), Fault(truncate=5), Fault(truncate=0)),
        *(Fault(truncate_gzip=20), Fault(status=200, body=b"{}", truncate_gzip=0)),
    ],
)
def test_a_response_can_be_dropped_or_truncated(
    fault: Fault, sandbox: Sandbox, session: Session
) -> None:
    sandbox.faults.add("get_health_check", fault)
    with pytest.raises(TransportError):
        session.run(lambda c: c.get_health_check())
    assert session.run(lambda c: c.get_health_check()).message


def test_the_connection_closes_after_an_unhandled_error(sandbox: Sandbox) -> None:
    sandbox.faults.add("get_health_check", unhandled_error())
    with closing(HTTPConnection(urlsplit(sandbox.url).netloc, timeout=5)) as connection:
        connection.request("GET", "/")
        response = connection.getresponse()
        assert (response.status, response.read()) == (500, b"Internal Server Error")
        assert response.headers["Content-Type"].startswith("text/plain")
        assert response.headers["Connection"] is None
        assert connection.sock.recv(1) == b""


def test_a_malformed_body_can_have_status_200(sandbox: Sandbox, session: Session) -> None:
    sandbox.faults.add("get_health_check", Fault(status=200, body=b'{"message": '))
    with pytest.raises(InvalidResponseError):
        session.run(lambda c: c.get_health_check())


def test_a_delayed_response_is_a_timeout(sandbox: Sandbox, session: Session) -> None:
    sandbox.faults.add("get_health_check", Fault(delay=0.5))
    start = time.monotonic()
    with pytest.raises(TransportTimeoutError):
        session.run(lambda c: c.get_health_check(timeout=0.05))
    assert time.monotonic() - start < 0.5


@pytest.mark.parametrize("after", [False, True])
def test_after_decides_whether_the_sandbox_acts_first(
    after: bool, sandbox: Sandbox, session: Session
) -> None:
    record = sandbox.items("MODEL_RUN")[-1].body["record"]
    before = len(sandbox.items("MODEL_RUN"))
    sandbox.faults.add("register_model_run_sync", Fault(drop=True, after=after))

    async def register(client: ProvClient) -> None:
        await client.admin.register_model_run_sync(record)

    with pytest.raises(TransportError, match="may have acted"):
        session.run(register)
    assert len(sandbox.items("MODEL_RUN")) - before == int(after)
    assert len(sandbox.requests) == 1


def test_an_expired_token_fault_looks_like_an_expired_token(sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/check-access/check-general-access"
    sandbox.faults.add("check_general_access", expired_token())
    seen = []
    for seconds in (3600, -1):
        headers = {"Authorization": f"Bearer {sandbox.token('read', expires_in=seconds)}"}
        response = http.get(url, headers=headers)
        seen.append((response.status_code, response.headers["WWW-Authenticate"], response.content))
    assert seen[0] == seen[1]
    assert seen[0][0] == 401


@pytest.mark.parametrize(
    "call",
    [
        lambda client, run: client.explore_upstream(run.id),
        lambda client, run: client.register_model_run(run.body["record"]),
        lambda client, run: client.post_update_model_run(run.id, "typo", run.body["record"]),
        lambda client, run: client.link_model_run_to_study(run.id, "10378.1/1"),
    ],
    ids=["explore", "register", "update", "link"],
)
def test_a_denied_item_fault_is_an_error_about_an_item(
    call: Callable[[ProvClient, Item], Awaitable[object]], sandbox: Sandbox, session: Session
) -> None:
    for operation_id in (
        "explore_upstream",
        "register_model_run",
        "post_update_model_run",
        "link_model_run_to_study",
    ):
        sandbox.faults.add(operation_id, denied_item())
    run = sandbox.items("MODEL_RUN")[-1]
    with pytest.raises(PermissionDeniedError, match=r"not authorised to fetch this item\. Ask"):
        session.run(lambda client: call(client, run))
    assert len(sandbox.requests) == 1


def test_a_job_and_a_batch_of_another_user_are_denied(sandbox: Sandbox, session: Session) -> None:
    record = sandbox.items("MODEL_RUN")[-1].body["record"]
    started = session.run(lambda c: c.register_batch_model_runs({"records": [record]}))
    session_id = started.session_id
    assert session_id is not None
    batch_id = session.wait_for_job(session_id)["result"]["batch_id"]
    sandbox.clear_requests()

    async def of_bob(client: ProvClient) -> None:
        with pytest.raises(PermissionDeniedError, match=r"view this record\. Ask its owner"):
            await client.jobs.fetch(session_id)
        with pytest.raises(PermissionDeniedError, match=r"Not authorised\. Ask its owner"):
            _ = [job async for job in client.jobs.list_batch(batch_id)]

    async def call() -> None:
        auth = sandbox.auth("read", username="bob")
        async with ProvClient(auth, sandbox.config) as client:
            await of_bob(client)

    asyncio.run(call())
    assert len(sandbox.requests) == 2


def test_requests_to_the_realm_can_fail_and_are_recorded(sandbox: Sandbox) -> None:
    address = f"{sandbox.config.keycloak_endpoint}/protocol/openid-connect/token"
    sandbox.faults.add("token", gateway(503))
    seen = [http.post(address, data={"grant_type": "none"}).status_code for _ in range(2)]
    assert seen == [503, 400]
    assert [received.operation_id for received in sandbox.requests] == ["token", "token"]
    assert sandbox.requests[0].body == b"grant_type=none"


def test_unknown_operations_and_jobs_are_rejected(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="did you mean register_model_run"):
        sandbox.faults.add("register_modelrun", Fault(drop=True))
    with pytest.raises(ValueError, match="MODEL_RUN_UPDATE"):
        sandbox.faults.fail_jobs("MODEL_RUN_UPDAT", "no")
    with pytest.raises(ValueError, match=r"operation .* is unknown; it must be one of"):
        sandbox.faults.left("nothing")
    assert {"register_model_run", "fetch_job", "token", "fetch_report"} <= set(
        sandbox.faults.operation_ids
    )


@pytest.mark.parametrize("fault", [Fault(drop=True), Fault(truncate=5)])
def test_dropped_connections_are_not_logged(
    fault: Fault, sandbox: Sandbox, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.faults.add("get_health_check", fault)
    with pytest.raises(TransportError):
        session.run(lambda c: c.get_health_check())
    sandbox.stop()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
