"""Lost responses, and lists of jobs that do not show what was sent: nothing is submitted twice."""

from __future__ import annotations

import copy
import json
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve
from registration.registrar import (
    QUICK,
    Kind,
    Run,
    alter,
    names,
    record,
    registered_names,
    registrar_for,
)
from registration.rewriting import Rewrite, rewriting

from prov_facade import SubmissionUnknownError
from prov_facade.sandbox import Fault, Sandbox

SUBMIT = "register_batch_model_runs"
LOST = Fault(drop=True, after=True)


def given() -> list[dict[str, Any]]:
    """Records with text that servers like to change."""
    first = {
        "description": " Two\r\nlines, cafe\u0301 ",
        "annotations": {"b": "2", "a": "1"},
        "model_version": None,
    }
    return [record(0, **first), record(1), record(2)]


def submissions(sandbox: Sandbox) -> int:
    return [one.operation_id for one in sandbox.requests].count(SUBMIT)


def each_batch(change: Callable[[dict[str, Any]], None]) -> Rewrite:
    """Change the payloads of the jobs that submit batches."""

    def rewrite(page: dict[str, Any]) -> None:
        for job in page["jobs"]:
            if job["job_sub_type"] == "MODEL_RUN_BATCH_SUBMIT":
                change(job)

    return rewrite


def each_record(change: Callable[[dict[str, Any]], None]) -> Rewrite:
    def on_job(job: dict[str, Any]) -> None:
        for one in job["payload"]["records"]:
            change(one)

    return each_batch(on_job)


def each_text(change: Callable[[str], str]) -> Rewrite:
    def on_record(one: dict[str, Any]) -> None:
        for name in ("display_name", "description"):
            one[name] = change(one[name])

    return each_record(on_record)


def wrap(job: dict[str, Any]) -> None:
    job["payload"] = {"input": {"body": job["payload"]}}


def as_text(job: dict[str, Any]) -> None:
    job["payload"]["records"] = json.dumps(job["payload"]["records"])


NORMALISED: dict[str, Rewrite] = {
    "trimmed text": each_text(str.strip),
    "composed text": each_text(lambda text: unicodedata.normalize("NFC", text)),
    "other line ends": each_text(lambda text: text.replace("\r\n", "\n")),
    "empty objects for null": each_record(
        lambda one: one.update(annotations=one.get("annotations") or {})
    ),
    "nulls": each_record(lambda one: one.update(study_id=None)),
    "floats": each_record(lambda one: one.update(start_time=float(one["start_time"]))),
    "another order": each_batch(lambda job: job["payload"]["records"].reverse()),
    "wrapped": each_batch(wrap),
    "JSON in a string": each_batch(as_text),
}
UNREADABLE: dict[str, Rewrite] = {
    "empty": each_batch(lambda job: job.update(payload={})),
    "no records": each_batch(lambda job: job.update(payload={"records": "many"})),
    "another description": each_record(lambda one: one.update(description="(removed)")),
    "not records": each_batch(lambda job: job.update(payload={"records": [1, 2, 3]})),
}


def lost(kind: Kind, sandbox: Sandbox, manifest: Path, **options: Any) -> Run:
    sandbox.faults.add(SUBMIT, LOST)
    return registrar_for(kind, sandbox).many(given(), manifest, **options)


@pytest.mark.parametrize("how", NORMALISED)
def test_a_lost_submission_is_recognised_although_the_server_normalises_records(
    how: str, kind: Kind, manifest: Path
) -> None:
    with rewriting(NORMALISED[how]) as sandbox:
        lost(kind, sandbox, manifest).all_registered(3)
        assert submissions(sandbox) == 1
        assert registered_names(sandbox) == dict.fromkeys(names(3), 1)


@pytest.mark.parametrize("how", UNREADABLE)
def test_a_job_that_cannot_be_ruled_out_is_left_to_the_user(
    how: str, kind: Kind, manifest: Path
) -> None:
    with rewriting(UNREADABLE[how]) as sandbox:
        run = lost(kind, sandbox, manifest)
        assert isinstance(run.error, SubmissionUnknownError)
        assert "may contain these records in another form" in str(run.error)
        (candidate,) = run.error.candidates
        registrar_for(kind, sandbox).many(
            given(), manifest, resolutions={0: candidate}
        ).all_registered(3)
        assert submissions(sandbox) == 1
        assert registered_names(sandbox) == dict.fromkeys(names(3), 1)


def test_jobs_that_submit_other_records_are_ruled_out(kind: Kind, manifest: Path) -> None:
    with rewriting(None) as sandbox:
        registrar = registrar_for(kind, sandbox)
        registrar.many([record(7), record(8), record(9)]).all_registered(3)
        sandbox.faults.add(SUBMIT, Fault(drop=True))
        registrar.many(given(), manifest).all_registered(3)
        assert set(registered_names(sandbox).values()) == {1}


GATEWAY = b"<html>gateway</html>"


@pytest.mark.parametrize(
    "fault",
    [
        *(
            Fault(status=status, body=GATEWAY, content_type="text/html", after=True)
            for status in (302, 400, 403, 408, 409, 425, 429, 499, 503)
        ),
        Fault(status=200, body=b'{"status": {"success": false, "details": "No."}}', after=True),
    ],
    ids=lambda fault: str(fault.status),
)
def test_a_batch_is_looked_for_whatever_a_gateway_responds_in_place_of_the_server(
    fault: Fault, kind: Kind, manifest: Path
) -> None:
    with rewriting(None) as sandbox:
        sandbox.faults.add(SUBMIT, fault)
        registrar = evolve(registrar_for(kind, sandbox), client={"retries": None})
        registrar.many(given(), manifest).all_registered(3)
        assert submissions(sandbox) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 422])
def test_a_refusal_of_the_server_itself_is_certain(status: int, kind: Kind, manifest: Path) -> None:
    with rewriting(None) as sandbox:
        body = b'{"detail": "No."}' if status != 422 else b'{"detail": []}'
        sandbox.faults.add(SUBMIT, *[Fault(status=status, body=body)] * 2)
        run = registrar_for(kind, sandbox).many(given(), manifest)
        assert run.error is not None
        assert run.error.status_code == status  # type: ignore[attr-defined]
        assert "list_jobs" not in [one.operation_id for one in sandbox.requests]


@pytest.mark.parametrize("hours", [-30, 30])
def test_the_clock_of_this_machine_may_be_wrong_by_hours(
    hours: int, kind: Kind, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(time=lambda: time.time() + hours * 3600, monotonic=time.monotonic)
    package = f"prov_facade._{kind}"
    for module in ("registration.submission", "registration.recovery", "job_search"):
        monkeypatch.setattr(f"{package}.{module}.time", clock)
    monkeypatch.setattr("prov_facade._registration.batch.time", clock)
    with rewriting(None) as sandbox:
        lost(kind, sandbox, manifest).all_registered(3)
        assert submissions(sandbox) == 1


def older_jobs(page: dict[str, Any], created: Callable[[int], int]) -> list[dict[str, Any]]:
    """Jobs of long ago, made from the newest one."""
    template = copy.deepcopy(page["jobs"][0])
    template |= {"job_sub_type": "GENERATE_REPORT", "payload": {}}
    return [
        {**template, "session_id": f"older {number}", "created_timestamp": created(number)}
        for number in range(150)
    ]


def oldest_first(page: dict[str, Any]) -> None:
    page["jobs"] = older_jobs(page, lambda number: 1_000_000 + number) + page["jobs"][::-1]


def zero_times(page: dict[str, Any]) -> None:
    page["jobs"] = older_jobs(page, lambda _: 0) + page["jobs"]


def equal_times(page: dict[str, Any]) -> None:
    page["jobs"] = older_jobs(page, lambda _: 1_000_000) + page["jobs"]


def twice(page: dict[str, Any]) -> None:
    page["jobs"] *= 2


@pytest.mark.parametrize("rewrite", [oldest_first, zero_times, equal_times, twice])
def test_the_order_of_the_list_does_not_matter(
    rewrite: Rewrite, kind: Kind, manifest: Path
) -> None:
    with rewriting(rewrite) as sandbox:
        lost(kind, sandbox, manifest).all_registered(3)
        assert submissions(sandbox) == 1


def test_jobs_without_a_time_are_doubtful(kind: Kind, manifest: Path) -> None:
    def rewrite(page: dict[str, Any]) -> None:
        for job in page["jobs"]:
            job["created_timestamp"] = 0

    with rewriting(rewrite) as sandbox:
        run = lost(kind, sandbox, manifest)
        assert isinstance(run.error, SubmissionUnknownError)
        assert submissions(sandbox) == 1


def new_empty_pages(page: dict[str, Any]) -> None:
    new_empty_pages.count += 1  # type: ignore[attr-defined]
    page |= {"jobs": [], "pagination_key": {"number": -new_empty_pages.count}}  # type: ignore[attr-defined]


def alternating_keys(page: dict[str, Any]) -> None:
    new_empty_pages.count += 1  # type: ignore[attr-defined]
    page["pagination_key"] = {"number": 10**6 + new_empty_pages.count % 2}  # type: ignore[attr-defined]


@pytest.mark.parametrize("rewrite", [new_empty_pages, alternating_keys])
def test_a_list_that_never_ends_ends_the_search(
    rewrite: Rewrite, kind: Kind, manifest: Path
) -> None:
    new_empty_pages.count = 0  # type: ignore[attr-defined]
    with rewriting(rewrite) as sandbox:
        run = lost(kind, sandbox, manifest, polling=evolve(QUICK, deadline=5))
        assert isinstance(run.error, SubmissionUnknownError)
        assert "the list would never end" in str(run.error)
        assert len(sandbox.requests) < 150


def test_a_manifest_of_the_future_is_doubtful(kind: Kind, manifest: Path) -> None:
    with rewriting(None) as sandbox:
        sandbox.faults.add("list_jobs", Fault(status=403))
        lost(kind, sandbox, manifest)
        alter(manifest, "UPDATE chunks SET planned_at = planned_at + 86400")
        run = registrar_for(kind, sandbox).many(given(), manifest)
        assert isinstance(run.error, SubmissionUnknownError)
        assert submissions(sandbox) == 1
