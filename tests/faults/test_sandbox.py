"""The contents of a sandbox show that it acted on each write at most once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from clients import failure, new, quick_retries, run, sandbox_client
from faults.rule import WRITES
from sample_calls import SAMPLES

from prov_facade import (
    InvalidResponseError,
    ProvClient,
    ProvError,
    ServerError,
    TransportError,
    TransportTimeoutError,
)
from prov_facade.sandbox import Fault, Sandbox, expired_token, gateway

# Faults after which the sandbox has acted on the request, and their errors.
ACTED = {
    "dropped": (Fault(drop=True, after=True), TransportError),
    "cut": (Fault(truncate=5), TransportError),
    "500": (Fault(status=500, after=True), ServerError),
    "502": (Fault(status=502, content_type="text/html", after=True), ServerError),
    "503": (Fault(status=503, headers={"Retry-After": "0"}, after=True), ServerError),
    "504": (Fault(status=504, after=True), ServerError),
    "html": (Fault(status=200, content_type="text/html", after=True), InvalidResponseError),
}


@pytest.fixture
def client(sandbox: Sandbox) -> ProvClient:
    return sandbox_client(sandbox, retries=quick_retries())


def record_and_counter(sandbox: Sandbox) -> tuple[dict[str, object], Callable[[], int]]:
    record = sandbox.items("MODEL_RUN")[-1].body["record"]
    return record, lambda: len(sandbox.items("MODEL_RUN"))


@pytest.mark.parametrize("name", ACTED)
def test_a_registration_that_may_have_arrived_is_not_repeated(
    name: str, sandbox: Sandbox, client: ProvClient
) -> None:
    fault, kind = ACTED[name]
    record, count = record_and_counter(sandbox)
    before = count()
    sandbox.faults.add("register_model_run_sync", fault, fault, fault)
    error = failure(ProvError, client.admin.register_model_run_sync(record))
    assert type(error) is kind
    assert "may have acted on the request: check before sending it again" in str(error)
    assert len(sandbox.requests) == 1
    assert count() == before + 1


def test_a_run_is_not_registered_twice_after_a_late_response(sandbox: Sandbox) -> None:
    record, count = record_and_counter(sandbox)
    before = count()
    sandbox.faults.add("register_model_run_sync", *[Fault(delay=0.5)] * 3)
    auth = sandbox.auth("read", "write", "admin")
    client = new(ProvClient, auth, sandbox.config, retries=quick_retries(), timeout=0.2)
    error = failure(TransportTimeoutError, client.admin.register_model_run_sync(record))
    assert "check before" in str(error)
    assert len(sandbox.requests) == 1
    assert count() <= before + 1


@pytest.mark.parametrize(
    "fault",
    [Fault(status=429), Fault(status=429, headers={"Retry-After": "0"}), expired_token()],
)
def test_a_rejected_registration_is_repeated_once(
    fault: Fault, sandbox: Sandbox, client: ProvClient
) -> None:
    record, count = record_and_counter(sandbox)
    before = count()
    sandbox.faults.add("register_model_run_sync", fault)
    run(client.admin.register_model_run_sync(record))
    assert len(sandbox.requests) == 2
    assert count() == before + 1


@pytest.mark.parametrize("name", ["dropped", "504"])
def test_every_write_is_sent_once(name: str, sandbox: Sandbox, client: ProvClient) -> None:
    fault, kind = ACTED[name]
    for operation in sorted(WRITES):
        sandbox.clear_requests()
        sandbox.faults.add(operation, fault, fault, fault)
        error = failure(ProvError, SAMPLES[operation].call(client))
        assert [request.operation_id for request in sandbox.requests] == [operation]
        # The sandbox rejects some samples before the fault, since it does not have their items.
        assert isinstance(error, kind) or error.status_code in (400, 422), error


def test_reads_are_retried_until_they_succeed(sandbox: Sandbox, client: ProvClient) -> None:
    item = sandbox.items("MODEL_RUN")[-1].id
    expected = run(client.explore_upstream(item))
    sandbox.clear_requests()
    sandbox.faults.add("explore_upstream", Fault(drop=True), gateway(502))
    assert run(client.explore_upstream(item)) == expected
    assert len(sandbox.requests) == 3
