"""Finding the job of a model run after an error that leaves open whether it was registered."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from registration.registrar import record

from prov_facade import InvalidRequestError, SyncProvClient, TransportError
from prov_facade.sandbox import Fault, JobDelays, Sandbox
from prov_facade_pytest import SharedSandbox


@pytest.fixture
def sandbox(shared_sandbox: SharedSandbox) -> Sandbox:
    return shared_sandbox.get(delays=JobDelays(0, 0, 0, 0))


def test_the_job_of_a_lost_registration_is_found(sandbox: Sandbox) -> None:
    before = time.time()
    given = record(1)
    with SyncProvClient(sandbox.auth("read", "write"), sandbox.config) as client:
        assert client.jobs.find_submitted(given, since=before) == []
        sandbox.faults.add("register_model_run", Fault(drop=True, after=True))
        with pytest.raises(TransportError) as caught:
            client.register_model_run(model_run(sandbox))
        assert any("find_submitted" in note for note in caught.value.__notes__)
        found = client.jobs.find_submitted(model_run(sandbox), since=before)
        assert [job.payload["record"]["display_name"] for job in found] == ["A new run"]
        since = datetime.fromtimestamp(before, UTC)
        assert client.jobs.find_submitted(model_run(sandbox), since=since) == found
        other = {**model_run(sandbox), "display_name": "Another run"}
        assert client.jobs.find_submitted(other, since=before) == []


def model_run(sandbox: Sandbox) -> dict[str, Any]:
    """A record that the sandbox accepts."""
    run = sandbox.items("MODEL_RUN")[0]
    return {**run.body["record"], "display_name": "A new run"}


@pytest.mark.parametrize(
    ("since", "path"),
    [(datetime(2026, 1, 1), "$.since"), ("now", "$.since"), (-1, "$.since"), (None, "$.since")],  # noqa: DTZ001
)
def test_the_moment_must_be_clear(since: Any, path: str, sandbox: Sandbox) -> None:
    with (
        SyncProvClient(sandbox.auth("read"), sandbox.config) as client,
        pytest.raises(InvalidRequestError) as caught,
    ):
        client.jobs.find_submitted(record(1), since=since)
    assert caught.value.path == path


def test_an_error_that_proves_a_refusal_does_not_advise_a_search(sandbox: Sandbox) -> None:
    refusal = Fault(status=400, body=b'{"detail": "No."}')
    sandbox.faults.add("register_model_run", refusal)
    with (
        SyncProvClient(sandbox.auth("read", "write"), sandbox.config) as client,
        pytest.raises(Exception, match="No") as caught,
    ):
        client.register_model_run(model_run(sandbox))
    assert not getattr(caught.value, "__notes__", [])
