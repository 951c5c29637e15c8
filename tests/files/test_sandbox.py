"""Downloads from the sandbox, with its faults."""

from __future__ import annotations

import asyncio
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from clients import BOTH, ClientKind, every_transport, sandbox_client
from files.saving import NO_BACKOFF, files_in
from sandbox.caller import COMPLETE_RUN, run_of

from prov_facade import (
    AuthenticationError,
    BadRequestError,
    InvalidResponseError,
    JobTimeoutError,
    PermissionDeniedError,
    PollPolicy,
    ProvClient,
    ReportError,
    RetryPolicy,
    ServerError,
    TransportError,
    TransportTimeoutError,
    models,
)
from prov_facade.sandbox import Fault, Sandbox, expired_token, gateway
from prov_facade_pytest import SharedSandbox


@pytest.fixture
def sandbox(client_kind: ClientKind, shared_sandbox: SharedSandbox) -> Sandbox:  # noqa: ARG001
    """A sandbox that returns reports, so that downloads are a single request."""
    return shared_sandbox.get(report_style="document")


def client_of(sandbox: Sandbox, *roles: str, **settings: Any) -> ProvClient:
    return sandbox_client(
        sandbox, *roles or ("read", "write"), **{"retries": NO_BACKOFF, **settings}
    )


def report_on(sandbox: Sandbox) -> models.GenerateReportRequest:
    study = sandbox.items("STUDY")[0]
    return models.GenerateReportRequest(id=study.id, item_subtype=models.ItemSubType.STUDY, depth=1)


def test_a_saved_file_equals_the_return_value_of_the_call(sandbox: Sandbox, folder: Path) -> None:
    async def save_and_compare() -> None:
        async with client_of(sandbox) as client:
            template = sandbox.items("WORKFLOW_TEMPLATE")[0].id
            saved = await client.save_csv_template(template, folder)
            assert saved == folder / f"template-{template.replace('/', '_')}.csv"
            text = await client.generate_csv_template(template)
            assert saved.read_bytes() == text.encode()

            run = run_of(sandbox, COMPLETE_RUN).body["record"]
            batch = await client.register_batch_model_runs({"records": [run]})
            batch_id = await batch_of(sandbox, batch.session_id)
            filled = await client.save_csv_from_batch(batch_id, str(folder / "filled.csv"))
            assert filled == folder / "filled.csv"

            again = await client.convert_model_runs_file(filled)
            assert again == await client.convert_model_runs_to_csv(filled.read_text("utf-8"))
            assert again.existing_records

            report = await client.download_report(report_on(sandbox), folder / "report.docx")
            assert report.read_bytes().startswith(b"PK")
            assert set(files_in(folder)) == {saved.name, "filled.csv", "report.docx"}

    asyncio.run(save_and_compare())


async def batch_of(sandbox: Sandbox, session_id: str | None) -> str:
    """Wait for the job that submits a batch, and return the id of the batch."""
    url = f"{sandbox.config.job_api_endpoint}/jobs/user/fetch"
    headers = {"Authorization": f"Bearer {sandbox.token('read')}"}
    async with httpx.AsyncClient(headers=headers) as http:
        for _ in range(500):
            response = await http.get(url, params={"session_id": session_id or ""})
            if response.status_code == 200 and response.json()["job"]["result"]:
                return str(response.json()["job"]["result"]["batch_id"])
            await asyncio.sleep(0.01)
    raise AssertionError("the job does not end")


@every_transport
def test_a_failed_download_is_retried_from_the_start(sandbox: Sandbox, folder: Path) -> None:
    for fault in (
        Fault(truncate=9_000),
        Fault(truncate=0),
        Fault(drop=True),
        gateway(502),
        Fault(status=429, headers={"Retry-After": "0"}),
        expired_token(),
    ):
        sandbox.clear_requests()
        sandbox.faults.add("generate_report", fault)
        client = client_of(sandbox)
        saved = asyncio.run(client.download_report(report_on(sandbox), folder, overwrite=True))
        assert len(sandbox.requests) == 2
        assert list(files_in(folder)) == [saved.name]
        with zipfile.ZipFile(saved) as archive:
            assert archive.testzip() is None


@every_transport
def test_a_download_that_fails_leaves_no_file(sandbox: Sandbox, folder: Path) -> None:
    for fault, kind in (
        (Fault(truncate=9_000), TransportError),
        (Fault(drop=True), TransportError),
        (gateway(502), ServerError),
        (Fault(status=400, body=b'{"detail": "no"}'), BadRequestError),
        (Fault(status=200, body=b"<html>", content_type="text/html"), ReportError),
        (Fault(status=200, body=b"PK", content_type="application/zip"), ReportError),
    ):
        sandbox.clear_requests()
        sandbox.faults.add("generate_report", fault)
        client = client_of(sandbox, retries=RetryPolicy.none())
        with pytest.raises(kind):
            asyncio.run(client.download_report(report_on(sandbox), folder))
        assert files_in(folder) == {}
        assert len(sandbox.requests) == 1


def test_the_error_of_a_download_lists_its_attempts(sandbox: Sandbox, folder: Path) -> None:
    sandbox.faults.add("generate_report", *[Fault(truncate=9_000)] * 4)
    with pytest.raises(TransportError) as caught:
        asyncio.run(client_of(sandbox).download_report(report_on(sandbox), folder))
    assert len(caught.value.attempts) == 4
    assert caught.value.operation == "generate_report"
    assert files_in(folder) == {}


@BOTH
def test_a_report_made_by_a_job_is_saved(folder: Path) -> None:
    with Sandbox() as sandbox:
        saved = asyncio.run(client_of(sandbox).download_report(report_on(sandbox), folder))
        operations = [request.operation_id for request in sandbox.requests]
    assert (operations[0], set(operations[1:])) == (
        "generate_report",
        {"fetch_job", "fetch_report"},
    )
    assert list(files_in(folder)) == [saved.name]
    with zipfile.ZipFile(saved) as archive:
        assert archive.testzip() is None


@BOTH
def test_a_report_is_not_saved_if_its_job_times_out(folder: Path) -> None:
    with Sandbox(report_style="job") as sandbox:
        sandbox.faults.add("fetch_job", *[Fault(status=503)] * 9)
        client = client_of(sandbox, polling=PollPolicy(interval=0.01, deadline=0.02))
        with pytest.raises(JobTimeoutError) as caught:
            asyncio.run(client.download_report(report_on(sandbox), folder))
        assert caught.value.session_id
    assert files_in(folder) == {}


def test_server_errors_are_raised_and_leave_no_file(sandbox: Sandbox, folder: Path) -> None:
    with pytest.raises(BadRequestError):
        asyncio.run(client_of(sandbox).save_csv_template("10378.1/none", folder))
    with pytest.raises(PermissionDeniedError):
        asyncio.run(client_of(sandbox, "write").save_csv_template("10378.1/none", folder))
    sandbox.faults.add("generate_csv_template", expired_token(), expired_token())
    with pytest.raises(AuthenticationError):
        asyncio.run(client_of(sandbox).save_csv_template("10378.1/none", folder))
    sandbox.faults.add(
        "generate_csv_template", Fault(status=200, body=b"{}", content_type="application/json")
    )
    with pytest.raises(InvalidResponseError, match="expected text/csv"):
        asyncio.run(client_of(sandbox).save_csv_template("10378.1/none", folder))
    # Error bodies may also be text, according to the OpenAPI document.
    sandbox.faults.add(
        "generate_csv_template", Fault(status=500, body=b"No space.", content_type="text/plain")
    )
    with pytest.raises(ServerError, match="No space"):
        asyncio.run(client_of(sandbox).save_csv_template("10378.1/none", folder))
    assert files_in(folder) == {}


def test_downloads_respect_deadlines_and_timeouts(sandbox: Sandbox, folder: Path) -> None:
    sandbox.faults.add("generate_report", Fault(delay=1), Fault(delay=1))
    late = client_of(sandbox, retries=RetryPolicy(deadline=0.2))
    with pytest.raises(TransportTimeoutError, match="deadline"):
        asyncio.run(late.download_report(report_on(sandbox), folder))
    once = client_of(sandbox, retries=RetryPolicy.none())
    with pytest.raises(TransportTimeoutError):
        asyncio.run(once.download_report(report_on(sandbox), folder, timeout=0.2))
    assert files_in(folder) == {}


def test_a_retried_upload_sends_the_whole_file(sandbox: Sandbox, folder: Path) -> None:
    async def upload() -> models.ConvertModelRunsResponse:
        async with client_of(sandbox) as client:
            template = sandbox.items("WORKFLOW_TEMPLATE")[0].id
            path = await client.save_csv_template(template, folder)
            header = path.read_bytes()
            path.write_bytes(b"\xef\xbb\xbf" + header + b"," * header.count(b",") + b"\r\n")
            return await client.convert_model_runs_file(path)

    sandbox.faults.add("convert_model_runs_to_csv", gateway(502), Fault(drop=True), expired_token())
    with pytest.raises(BadRequestError):
        asyncio.run(upload())
    bodies = [r.body for r in sandbox.requests if r.operation_id == "convert_model_runs_to_csv"]
    assert len(bodies) == 4
    assert {len(body) for body in bodies} == {len(bodies[0])}
    assert all(b"\r\n\r\n_workflow template id" in body for body in bodies)
