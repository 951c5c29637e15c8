"""Responses that are files: their names, and how long they can be fetched."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any, Literal

import docx
import httpx
import pytest
from api_document import DOCX
from sandbox import http
from sandbox.caller import COMPLETE_RUN, Caller, Clock, run_of

from prov_facade.sandbox import Sandbox
from prov_facade.sandbox._http import report_urls

CSV_TYPE = "text/csv; charset=utf-8"
REPORT = "/explore/generate/report"


def disposition(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    found: str = response.headers["Content-Disposition"]
    return found


def test_the_configuration_is_a_text_file(sandbox: Sandbox) -> None:
    response = Caller(sandbox).get("/admin/config")
    assert disposition(response) == 'attachment; filename="config.txt"'
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_required_only_is_the_default(sandbox: Sandbox) -> None:
    caller = Caller(sandbox)

    def settings(**query: Any) -> dict[str, str]:
        lines = caller.get("/admin/config", **query).text.splitlines()
        found = {name: value for name, _, value in (line.partition("=") for line in lines)}
        assert len(found) == len(lines)
        return found

    required, everything = settings(required_only=True), settings(required_only=False)
    assert settings() == required
    assert required.items() < everything.items()
    assert everything["depth_upper_limit"] == "10"
    assert "depth_upper_limit" not in required
    assert all(name == name.lower() for name in everything)


@pytest.mark.parametrize(
    ("words", "required"),
    [(("true", "1", "on", "t", "y", "yes", "True"), True), (("0", "off", "f", "n", "NO"), False)],
    ids=["yes", "no"],
)
def test_booleans_have_many_spellings(
    words: tuple[str, ...], required: bool, sandbox: Sandbox
) -> None:
    caller = Caller(sandbox)
    expected = caller.get("/admin/config", required_only=required).text
    for word in words:
        assert caller.get("/admin/config", required_only=word).text == expected, word


def test_a_template_is_a_csv_file(sandbox: Sandbox) -> None:
    template = sandbox.items("WORKFLOW_TEMPLATE")[0].id
    response = Caller(sandbox).get("/bulk/generate_template/csv", workflow_template_id=template)
    assert disposition(response) == 'attachment; filename="test.csv"'
    assert response.headers["Content-Type"] == CSV_TYPE


def test_the_csv_file_of_a_batch_has_the_result_of_each_row(sandbox: Sandbox) -> None:
    caller = Caller(sandbox)
    complete = run_of(sandbox, COMPLETE_RUN).body["record"]
    records = [{**complete, "display_name": name} for name in ("First", "Second", "Third")]
    records[1]["study_id"] = "10378.1/404"
    batch_id = caller.register_batch(records)
    jobs = caller.wait_for_jobs(3, batch_id)
    by_name = {job["payload"]["record"]["display_name"]: job for job in jobs}
    first, second, third = (by_name[name] for name in ("First", "Second", "Third"))
    response = caller.get("/bulk/regenerate_from_batch/csv", batch_id=batch_id)
    assert disposition(response) == 'attachment; filename="model_runs.csv"'
    assert response.headers["Content-Type"] == CSV_TYPE

    names = ("display name", "_job_id", "_job_status", "_model_run_record_id", "_error_info")
    rows = [[row[name] for name in names] for row in csv.DictReader(io.StringIO(response.text))]
    handles = {job["session_id"]: job["result"]["record"]["id"] for job in (first, third)}
    assert "10378.1/404" in second["info"]
    assert sorted(rows) == [
        ["First", first["session_id"], "SUCCEEDED", handles[first["session_id"]], ""],
        ["Second", second["session_id"], "FAILED", "", second["info"]],
        ["Third", third["session_id"], "SUCCEEDED", handles[third["session_id"]], ""],
    ]


def report_request(sandbox: Sandbox, depth: int = 1) -> dict[str, Any]:
    """The body of a request for a report on a model run."""
    run = sandbox.items("MODEL_RUN")[0].id
    return {"id": run, "item_subtype": "MODEL_RUN", "depth": depth}


def test_a_report_of_an_older_server_is_a_word_file() -> None:
    with Sandbox(report_style="document") as sandbox:
        response = Caller(sandbox).post(REPORT, report_request(sandbox))
    assert disposition(response) == 'attachment; filename="report.docx"'
    assert response.headers["Content-Type"] == DOCX


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("style", ["document", "job"])
def test_a_report_respects_its_depth(style: Literal["document", "job"], depth: int) -> None:
    with Sandbox(report_style=style) as sandbox:
        caller = Caller(sandbox)
        response = caller.post(REPORT, report_request(sandbox, depth))
        if style == "job":
            job = caller.wait_for_job(response.json()["session_id"])
            response = http.get(job["result"]["report_url"])
    lines = [line.text for line in docx.Document(io.BytesIO(response.content)).paragraphs]
    assert f"Links followed: {depth}" in lines


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Clock, list[str]]]:
    """The URLs of two reports created in jobs, and the clock of the sandbox."""
    clock = Clock()
    monkeypatch.setattr(report_urls, "time", clock)
    with Sandbox(report_style="job") as sandbox:
        caller = Caller(sandbox)
        jobs = [
            caller.wait_for_job(caller.start_job(REPORT, report_request(sandbox))) for _ in range(2)
        ]
        yield clock, [job["result"]["report_url"] for job in jobs]


def test_the_url_of_a_report_expires_after_an_hour(reports: tuple[Clock, list[str]]) -> None:
    clock, (url, other) = reports
    assert url != other
    for seconds, status in ((0, 200), (2, 200), (3590, 200), (60, 403), (10**6, 403)):
        clock.now += seconds
        assert http.get(url).status_code == status, seconds
    clock.now -= 10**6 + 100
    response = http.get(url)
    assert disposition(response) == 'attachment; filename="report.docx"'
    assert response.headers["Content-Type"] == DOCX


def test_the_url_of_a_report_is_valid_only_for_that_report(
    reports: tuple[Clock, list[str]],
) -> None:
    """Changed ids, expiry times and signatures are rejected."""
    _, (url, other) = reports
    address, _, query = url.partition("?")
    expires = re.search(r"expires=(\d+)", query)
    assert expires is not None
    later = query.replace(expires[1], str(int(expires[1]) + 1))
    for wrong in (
        f"{other.partition('?')[0]}?{query}",
        f"{address}?{later}",
        f"{address}?{query[:-1]}",
        f"{address}?expires={expires[1]}",
        address,
    ):
        assert http.get(wrong).status_code == 403, wrong
    assert http.get(url).status_code == 200
