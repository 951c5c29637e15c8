"""Registering CSV files, and writing the outcomes of their rows into them."""

from __future__ import annotations

import asyncio
import codecs
import csv
import errno
import io
import os
import signal
import stat
import tempfile
import time
import uuid
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field
from hypothesis import example, given, settings
from hypothesis import strategies as st
from registration.processes import Work, joined
from registration.registrar import (
    KINDS,
    SEED,
    Kind,
    Registrar,
    execute,
    record,
    registered_names,
    registrar_for,
    submitted_names,
)

from prov_facade import (
    BadRequestError,
    BulkProgress,
    ConfigError,
    ConversionWarning,
    FileError,
    InvalidRequestError,
    JobTimeoutError,
    PermissionDeniedError,
    PollPolicy,
    ProvClient,
    SyncProvClient,
)
from prov_facade._registration.csv_table import JobCells, Table
from prov_facade.sandbox import Fault, JobDelays, Sandbox

SUBMIT = "register_batch_model_runs"
JOB_COLUMNS = ("_job_id", "_job_status", "_model_run_record_id", "_error_info")


@define
class Rows:
    """A CSV file, as a person fills it in.

    Attributes:
        headers: Its columns.
        rows: Its rows, by column.
        line_end: Its line terminator.
    """

    headers: list[str]
    rows: list[dict[str, str]] = field(factory=list)
    line_end: str = "\r\n"

    def add(self, name: str, **changes: str) -> dict[str, str]:
        row = {
            "_workflow template id test/template": "",
            "display name": name,
            "description": "The currents.",
            "agent id": "test/person",
            "execution start time (YYYY-MM-DD HH:MM:SS+HH:MM)": "2026-01-01 00:00:00+00:00",
            "execution end time (YYYY-MM-DD HH:MM:SS+HH:MM)": "2026-01-01 01:00:00+00:00",
            **changes,
        }
        self.rows.append(row)
        return row

    def text(self) -> str:
        out = io.StringIO()
        writer = csv.DictWriter(out, self.headers, restval="", lineterminator=self.line_end)
        writer.writeheader()
        writer.writerows(self.rows)
        return out.getvalue()

    def save(self, path: Path, prefix: bytes = b"") -> None:
        path.write_bytes(prefix + self.text().encode())

    @classmethod
    def read(cls, path: Path) -> list[dict[str, str]]:
        text = path.read_bytes().removeprefix(codecs.BOM_UTF8).decode()
        return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
def rows(sandbox: Sandbox) -> Rows:
    """An empty template."""

    async def fetch_template() -> str:
        async with ProvClient(sandbox.auth("read"), sandbox.config) as client:
            return await client.generate_csv_template("test/template")

    text = asyncio.run(fetch_template())
    sandbox.clear_requests()
    return Rows(next(csv.reader([text])))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder / "runs.csv"


@pytest.fixture(autouse=True)
def no_drafts_left(path: Path) -> Iterator[None]:
    """Check that no test leaves a draft behind."""
    yield
    assert list(path.parent.glob(".prov-facade-*")) == []


def assert_only_file(path: Path) -> None:
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def submissions(sandbox: Sandbox) -> int:
    return sum(1 for one in sandbox.requests if one.operation_id == SUBMIT)


def handles(sandbox: Sandbox) -> dict[str, str]:
    found = {one.display_name: one.id for one in sandbox.items("MODEL_RUN")}
    assert set(registered_names(sandbox).values()) <= {1}
    return found


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_only_the_job_columns_of_the_file_change(
    *, mark: bytes, line_end: str, rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path
) -> None:
    rows.line_end = line_end
    job_columns = [rows.headers.pop(rows.headers.index(name)) for name in reversed(JOB_COLUMNS)]
    rows.headers[1:1] = [job_columns[0], "my own"]
    rows.headers.insert(4, job_columns[1])
    rows.headers += [*job_columns[2:], "notes"]
    rows.add("Été 🌊", notes='say "no", twice')
    rows.add("Two", description="It has\r\ntwo lines\nor three", **{"my own": "x,y"})
    rows.add("Three", **{"annotation: member": ""} if "annotation: member" in rows.headers else {})
    rows.save(path, mark)
    path.write_bytes(path.read_bytes().replace(b"Three", b"Three", 1) + line_end.encode())
    before = path.read_bytes()
    path.chmod(0o640)
    with pytest.warns(ConversionWarning) as warned:
        done = registrar.csv(path)
    assert [str(one.message) for one in warned] == done.warnings
    assert {one.filename for one in warned} == {__file__.replace("test_csv_files", "registrar")}
    assert any("my own" in one for one in done.warnings)
    assert (done.path, done.existing) == (path, [])
    assert [one.index for one in done.results] == [0, 1, 2]
    assert_only_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    found = handles(sandbox)
    for row, result, name in zip(
        Rows.read(path), done.results, ["Été 🌊", "Two", "Three"], strict=True
    ):
        assert row["_job_id"] == result.session_id
        assert row["_job_status"] == "SUCCEEDED"
        assert row["_model_run_record_id"] == result.handle == found[name]
        assert row["_error_info"] == ""
    # Nothing but these cells has changed.
    content = path.read_bytes()
    for result in done.results:
        for cell in (str(result.session_id), "SUCCEEDED", str(result.handle)):
            content = content.replace(cell.encode(), b"")
    assert content == before


def test_new_rows_are_registered_and_existing_jobs_awaited(
    rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path
) -> None:
    for number in range(3):
        rows.add(f"Run {number}")
    rows.save(path)
    sandbox.faults.fail_jobs("MODEL_RUN_PROV_LODGE", "No space left.")
    first = registrar.csv(path)
    assert [one.error is None for one in first.results].count(False) == 1
    read = Rows.read(path)
    (failed,) = [row for row in read if row["_job_status"] == "FAILED"]
    assert failed["_error_info"] == "No space left."
    assert failed["_model_run_record_id"] == ""
    assert failed["_job_id"]

    # The file as it was before the jobs ended, with a new row between the others.
    again = Rows(rows.headers, [])
    for row in read:
        again.rows.append({**row, "_job_status": "", "_model_run_record_id": "", "_error_info": ""})
    again.add("New")
    again.rows.insert(1, again.rows.pop())
    again.save(path)
    second = registrar.csv(path)
    assert [one.index for one in second.results] == [0]
    assert second.existing == [row["_job_id"] for row in read]
    after = Rows.read(path)
    new = after.pop(1)
    assert new["_model_run_record_id"] == handles(sandbox)["New"]
    assert after == read

    # A failed row is registered again once its job id is cleared; the others are unchanged.
    sandbox.clear_requests()
    corrected = Rows(rows.headers, Rows.read(path))
    for row in corrected.rows:
        if row["_job_status"] == "FAILED":
            row["_job_id"] = ""
    corrected.save(path)
    third = registrar.csv(path)
    assert [one.error for one in third.results] == [None]
    assert submissions(sandbox) == 1
    assert {row["_job_status"] for row in Rows.read(path)} == {"SUCCEEDED"}
    assert {row["_error_info"] for row in Rows.read(path)} == {""}
    assert set(handles(sandbox)) == {"Run 0", "Run 1", "Run 2", "New"}

    # Another call has nothing left to do.
    content = path.read_bytes()
    sandbox.clear_requests()
    assert registrar.csv(path).results == []
    assert submissions(sandbox) == 0
    assert path.read_bytes() == content
    assert_only_file(path)


def test_the_next_call_waits_for_a_job_that_timed_out(kind: Kind, rows: Rows, path: Path) -> None:
    with Sandbox(seed=SEED, delays=JobDelays(0, 0, 0, in_progress=0.8)) as slow:
        registrar = registrar_for(kind, slow)
        run = registrar.many([], None)
        assert run.error is None
        rows.add("One")
        rows.save(path)
        impatient = evolve(registrar, polling=PollPolicy(interval=0.05, deadline=1.0))
        with pytest.raises(JobTimeoutError):
            impatient.csv(path, polling=PollPolicy(interval=0.02, deadline=0.1))
        before = path.read_bytes()
        assert Rows.read(path)[0]["_job_id"] == ""
        assert path.with_name("runs.csv.manifest").exists()
        done = registrar.csv(path)
        assert [one.error for one in done.results] == [None]
        assert path.read_bytes() != before
        assert submissions(slow) == 1
        assert_only_file(path)
        # The row has the id of a job that has not ended.
        filled = Rows(rows.headers, Rows.read(path))
        filled.rows[0] |= {"_job_status": "PENDING", "_model_run_record_id": ""}
        filled.save(path)
        assert registrar.csv(path).existing == [filled.rows[0]["_job_id"]]
        assert Rows.read(path)[0]["_job_status"] == "SUCCEEDED"


def test_a_refused_row_can_be_corrected(
    rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path
) -> None:
    rows.add("One")
    rows.add("Two")
    rows.save(path)
    entry = b'{"loc": ["body", "records", 1], "msg": "not today", "type": "value_error"}'
    sandbox.faults.add(SUBMIT, Fault(status=422, body=b'{"detail": [%s]}' % entry))
    done = registrar.csv(path)
    assert [type(one.error) for one in done.results] == [type(None), BadRequestError]
    one, two = Rows.read(path)
    assert one["_job_status"] == "SUCCEEDED"
    assert (two["_job_id"], two["_job_status"], two["_model_run_record_id"]) == ("", "", "")
    assert two["_error_info"] == "record 1 was refused by the server: not today"
    assert_only_file(path)
    again = registrar.csv(path)
    assert (len(again.existing), len(again.results)) == (1, 1)
    assert set(handles(sandbox)) == {"One", "Two"}
    assert [row["_error_info"] for row in Rows.read(path)] == ["", ""]


def test_the_output_is_written_to_another_file(
    rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path, tmp_path: Path
) -> None:
    rows.add("One")
    rows.save(path)
    before = path.read_bytes()
    output = tmp_path / "elsewhere.csv"
    output.write_bytes(b"something")
    with pytest.raises(InvalidRequestError, match="overwrite=True"):
        registrar.csv(path, output=output)
    assert sandbox.requests == []
    assert output.read_bytes() == b"something"
    done = registrar.csv(path, output=output, overwrite=True)
    assert done.path == output
    assert path.read_bytes() == before
    assert Rows.read(output)[0]["_model_run_record_id"] == handles(sandbox)["One"]
    folder = tmp_path / "folder"
    folder.mkdir()
    rows.rows[0]["display name"] = "Two"
    rows.save(path)
    assert registrar.csv(path, output=folder).path == folder / "runs.csv"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["elsewhere.csv", "folder", "runs"]


def test_an_obsolete_manifest_of_another_output_is_used_and_removed(
    rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path, tmp_path: Path
) -> None:
    """As left by a process that was killed before it removed the manifest."""
    rows.add("One")
    rows.save(path)
    output = tmp_path / "elsewhere.csv"
    manifest = path.with_name("runs.csv.manifest")
    kept = keep_manifest(registrar, sandbox, path, manifest, output=output)
    written = output.read_bytes()
    manifest.write_bytes(kept)
    registrar.csv(path, output=output, overwrite=True)
    assert output.read_bytes() == written
    assert submissions(sandbox) == 1
    assert not manifest.exists()


def keep_manifest(
    registrar: Registrar, sandbox: Sandbox, path: Path, manifest: Path, **options: Any
) -> bytes:
    """Register a file at the second attempt, and return the final content of its manifest."""
    sandbox.faults.add(SUBMIT, Fault(status=403))
    with pytest.raises(PermissionDeniedError):
        registrar.csv(path, **options)
    second_name = manifest.with_name("kept")
    second_name.hardlink_to(manifest)
    sandbox.clear_requests()
    registrar.csv(path, **options)
    content = second_name.read_bytes()
    second_name.unlink()
    manifest.write_bytes(content)
    assert execute(manifest, "SELECT count(*) FROM records") == [(1,)]
    manifest.unlink()
    return content


def test_an_obsolete_manifest_next_to_the_file_is_removed(
    rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path
) -> None:
    rows.add("One")
    rows.save(path)
    manifest = path.with_name("runs.csv.manifest")
    kept = keep_manifest(registrar, sandbox, path, manifest)
    written = path.read_bytes()
    manifest.write_bytes(kept)
    assert registrar.csv(path).results == []
    assert path.read_bytes() == written
    assert submissions(sandbox) == 1
    assert_only_file(path)
    # Nor does it prevent the registration of new rows.
    manifest.write_bytes(kept)
    filled = Rows(rows.headers, Rows.read(path))
    filled.add("Two")
    filled.save(path)
    assert [one.error for one in registrar.csv(path).results] == [None]
    assert submissions(sandbox) == 2
    assert set(handles(sandbox)) == {"One", "Two"}
    assert_only_file(path)


def test_the_target_of_a_symbolic_link_is_written(
    rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path, tmp_path: Path
) -> None:
    rows.add("One")
    rows.save(path)
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    sandbox.faults.add(SUBMIT, Fault(status=403))
    with pytest.raises(Exception, match="403"):
        registrar.csv(link)
    assert path.with_name("runs.csv.manifest").exists()
    assert registrar.csv(link).path == link
    assert link.is_symlink()
    assert Rows.read(path)[0]["_model_run_record_id"] == handles(sandbox)["One"]
    assert_only_file(path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.csv", "runs"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        ("display name,é".encode("latin-1"), "utf-8"),
        (b"", "lacks the columns _job_id, _job_status, _model_run_record_id, _error_info"),
        (b"_job_id,_job_status,_model_run_record_id\n", "lacks the columns _error_info"),
        (b'"' + b"x" * 200_000 + b'"\n', "field"),
    ],
    ids=["no file", "not UTF-8", "empty", "no column", "huge cell"],
)
def test_an_unusable_file_is_not_sent(
    content: bytes | None, reason: str, registrar: Registrar, sandbox: Sandbox, path: Path
) -> None:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidRequestError, match=reason) as caught:
        registrar.csv(path)
    assert "nothing was sent" in str(caught.value)
    assert str(path) in str(caught.value)
    assert sandbox.requests == []
    assert [one.name for one in path.parent.iterdir()] == ([] if content is None else [path.name])


def test_a_file_that_the_server_cannot_read_is_not_changed(
    rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path
) -> None:
    rows.add("One", **{"execution end time (YYYY-MM-DD HH:MM:SS+HH:MM)": "soon"})
    rows.save(path)
    before = path.read_bytes()
    with pytest.raises(BadRequestError):
        registrar.csv(path)
    assert submissions(sandbox) == 0
    assert path.read_bytes() == before
    assert_only_file(path)


def test_nothing_is_sent_if_the_manifest_cannot_be_created(
    rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path
) -> None:
    rows.add("One")
    rows.save(path)
    path.with_name("runs.csv.manifest").mkdir()
    with pytest.raises(FileError):
        registrar.csv(path)
    assert sandbox.requests == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs enforced permissions")
def test_nothing_is_sent_if_the_directory_cannot_be_written(
    rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path
) -> None:
    rows.add("One")
    rows.save(path)
    path.parent.chmod(0o500)
    try:
        with pytest.raises(FileError):
            registrar.csv(path)
    finally:
        path.parent.chmod(0o700)
    assert sandbox.requests == []


def test_a_file_that_another_process_registers_is_not_changed(
    *, kind: Kind, rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path, tmp_path: Path
) -> None:
    rows.add("One")
    rows.save(path)
    before = path.read_bytes()
    sandbox.faults.add("fetch_job", *[Fault(status=503)] * 10_000)
    work = Work.of(sandbox, kind, 0, tmp_path, csv=path)
    process = work.start()
    with joined(process):
        while submissions(sandbox) == 0:
            time.sleep(0.01)
        with pytest.raises(ConfigError, match="in use"):
            registrar.csv(path)
        assert path.read_bytes() == before
        sandbox.faults.clear()
    assert process.exitcode == 0
    assert registrar.csv(path).results == []
    assert submissions(sandbox) == 1


@pytest.mark.parametrize("obstacle", ["deleted", "directory"])
def test_the_next_call_continues_if_the_file_cannot_be_saved(
    obstacle: str, rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path
) -> None:
    rows.add("One")
    rows.save(path)
    before, output = path.read_bytes(), path.with_name("output.csv")

    def obstruct(progress: BulkProgress) -> None:
        if progress.registered:
            path.unlink() if obstacle == "deleted" else output.mkdir()

    target = None if obstacle == "deleted" else output
    with pytest.raises(FileError) as caught:
        registrar.csv(path, output=target, on_progress=obstruct)
    assert caught.value.filename == str(target or path)
    assert caught.value.errno == (errno.ENOENT if obstacle == "deleted" else errno.EEXIST)
    path.write_bytes(before)
    if target:
        target.rmdir()
    registrar.csv(path, output=target)
    assert Rows.read(target or path)[0]["_model_run_record_id"] == handles(sandbox)["One"]
    assert submissions(sandbox) == 1


@pytest.mark.parametrize("operation", ["convert_model_runs_to_csv", "list_batch"])
def test_changes_made_during_the_registration_are_kept(
    operation: str, rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path
) -> None:
    """The file changes before the records are submitted, or while their jobs are followed."""
    rows.add("One")
    rows.save(path)
    changed = path.read_bytes().replace(b"The currents.", b"The currents!", 1)
    before, changing = path.read_bytes(), iter([changed])

    def change(request: Any) -> None:
        names = {"convert_model_runs_to_csv": "/bulk/", "list_batch": "/list_batch"}
        if names[operation] in str(request.url):
            for content in changing:
                path.write_bytes(content)

    async def change_later(request: Any) -> None:
        change(request)

    hook: Any = change_later if registrar.kind == "async" else change
    watched = evolve(registrar, client={"event_hooks": {"request": [hook], "response": []}})
    with pytest.raises(FileError, match="has been changed since it was read"):
        watched.csv(path)
    assert path.read_bytes() == changed
    assert submissions(sandbox) == (0 if operation.startswith("convert") else 1)
    path.write_bytes(before)
    registrar.csv(path)
    assert set(handles(sandbox)) == {"One"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("output", [False, True])
@pytest.mark.stress
def test_a_registration_killed_at_any_event_can_be_resumed(
    *,
    output: bool,
    kind: Kind,
    rows: Rows,
    registrar: Registrar,
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    event, killed, expected = 0, True, set()
    while killed:
        event += 1
        folder = tmp_path / str(event)
        folder.mkdir()
        path = folder / "runs.csv"
        mine = Rows(rows.headers)
        names = {f"Run {event}-{number}" for number in range(3)}
        for name in sorted(names):
            mine.add(name)
        mine.save(path)
        before = path.read_bytes()
        target = folder / "filled.csv" if output else path
        options: dict[str, Any] = {"chunk_size": 2, "recovery_timeout": 0.1}
        if output:
            options |= {"output": target, "overwrite": True}
        work = Work.of(sandbox, kind, 0, folder, csv=path, options=options, kill_at_event=event)
        work = evolve(work, manifest=path.with_name(f"{path.name}.manifest"))
        process = work.start()
        with joined(process):
            pass
        killed = process.exitcode == -signal.SIGKILL
        content = target.read_bytes() if target.exists() else before
        assert content == before or {row["_job_status"] for row in Rows.read(target)} <= {
            "SUCCEEDED",
            "",
        }
        if killed:
            registrar.csv(path, **options)
        expected |= names
        assert set(submitted_names(sandbox).values()) == {1}
        found = handles(sandbox)
        assert set(found) == expected
        for row in Rows.read(target):
            assert row["_model_run_record_id"] == found[row["display name"]]
        drafts = list(folder.glob(".prov-facade-*"))
        assert len(drafts) <= 1
        left = {one.name for one in folder.iterdir()} - {one.name for one in drafts}
        assert left == {path.name, target.name}
    assert process.exitcode == 0
    assert event > 15


def test_an_unremarkable_file_causes_no_warnings(
    rows: Rows, registrar: Registrar, path: Path
) -> None:
    rows.add("One")
    rows.save(path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert registrar.csv(path).warnings == []
    assert caught == []


def existing_row(rows: Rows, name: str, session_id: str) -> dict[str, str]:
    return rows.add(name, _job_id=session_id, _job_status="PENDING")


def job_of_another_user(sandbox: Sandbox) -> str:
    auth = sandbox.auth("read", "write", username="colleague")
    with SyncProvClient(auth, sandbox.config) as client:
        session_id = client.register_model_run(record(99)).session_id
    assert session_id is not None
    return session_id


IMPATIENT = PollPolicy(interval=0.02, max_interval=0.05, not_found_grace=0.1, deadline=20)


@pytest.mark.parametrize("whose", ["nobody", "a colleague"])
def test_a_row_with_a_job_that_cannot_be_followed_hides_no_other_row(
    whose: str, rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path
) -> None:
    foreign = job_of_another_user(sandbox) if whose != "nobody" else str(uuid.uuid4())
    sandbox.clear_requests()
    rows.add("Before")
    existing_row(rows, "Odd", foreign)
    rows.add("After")
    rows.save(path)
    done = registrar.csv(path, polling=IMPATIENT)
    assert [one.error for one in done.results] == [None, None]
    assert list(done.unknown_jobs) == [foreign]
    before, odd, after = Rows.read(path)
    assert {before["_job_status"], after["_job_status"]} == {"SUCCEEDED"}
    assert odd["_job_id"] == foreign
    assert "To register this row again, clear its _job_id." in odd["_error_info"]
    assert_only_file(path)
    # The way out that the message names.
    corrected = Rows(rows.headers, Rows.read(path))
    corrected.rows[1]["_job_id"] = ""
    corrected.save(path)
    again = registrar.csv(path, polling=IMPATIENT)
    assert [one.error for one in again.results] == [None]
    assert submissions(sandbox) == 2
    assert {row["_job_status"] for row in Rows.read(path)} == {"SUCCEEDED"}
    assert {"Before", "Odd", "After"} <= set(handles(sandbox))


def test_a_job_that_never_ends_hides_no_other_row(kind: Kind, rows: Rows, path: Path) -> None:
    with Sandbox(seed=SEED, delays=JobDelays(0, 0, 0, in_progress=0)) as sandbox:
        registrar = registrar_for(kind, sandbox)
        rows.add("Slow")
        rows.save(path)
        slow = registrar.csv(path).results[0].session_id
        assert slow is not None
        rows.rows.clear()
        existing_row(rows, "Slow", slow)
        rows.add("New")
        rows.save(path)
        in_progress = {"status": "IN_PROGRESS", "result": None}
        with sandbox._started.store.transaction() as connection:
            connection.execute(
                "UPDATE job SET status = :status, result = :result WHERE session_id = :id",
                {**in_progress, "id": slow},
            )
        with pytest.raises(JobTimeoutError, match=slow):
            registrar.csv(path, polling=PollPolicy(interval=0.02, max_interval=0.05, deadline=1))
        one, new = Rows.read(path)
        assert new["_job_status"] == "SUCCEEDED"
        assert one["_job_status"] == "PENDING"


@pytest.mark.parametrize("change", ["reordered", "inserted", "removed", "corrected"])
def test_an_interrupted_file_can_be_edited_before_the_next_call(
    change: str, rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path
) -> None:
    for number in range(4):
        rows.add(f"Run {number}")
    rows.save(path)
    sandbox.faults.add("fetch_job", *[Fault(status=503)] * 100)
    hasty = PollPolicy(interval=0.02, max_interval=0.05, deadline=0.1)
    with pytest.raises(JobTimeoutError):
        registrar.csv(path, polling=hasty)
    sandbox.faults.clear()
    if change == "reordered":
        rows.rows.reverse()
    elif change == "inserted":
        rows.add("New")
        rows.rows.insert(1, rows.rows.pop())
    elif change == "removed":
        del rows.rows[2]
    else:
        rows.rows[2]["description"] = "The corrected currents."
    rows.save(path)
    done = registrar.csv(path)
    assert [one.error for one in done.results] == [None] * len(rows.rows)
    expected = Counter({f"Run {number}": 1 for number in range(4)})
    expected += Counter({"inserted": ["New"], "corrected": ["Run 2"]}.get(change, []))
    assert registered_names(sandbox) == expected
    by_id = {item.id: item.display_name for item in sandbox.items("MODEL_RUN")}
    for row in Rows.read(path):
        assert by_id[row["_model_run_record_id"]] == row["display name"]
    assert_only_file(path)


def test_outcomes_are_written_although_the_registration_stops(
    rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path
) -> None:
    for number in range(4):
        rows.add(f"Run {number}")
    rows.save(path)
    refusal = Fault(status=403, body=b'{"detail": "No."}')
    sandbox.faults.add(SUBMIT, Fault(delay=0), refusal)
    with pytest.raises(PermissionDeniedError):
        registrar.csv(path, chunk_size=2)
    statuses = [row["_job_status"] for row in Rows.read(path)]
    assert statuses == ["SUCCEEDED", "SUCCEEDED", "", ""]
    # A copy of a row that was registered is a new one.
    edited = Rows(rows.headers, Rows.read(path))
    edited.add("Run 0")
    edited.save(path)
    done = registrar.csv(path, chunk_size=2)
    assert len(done.results) == 3
    assert registered_names(sandbox) == {"Run 0": 2, "Run 1": 1, "Run 2": 1, "Run 3": 1}
    assert_only_file(path)


def test_a_batch_that_breaks_off_registers_each_row_once(
    rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path
) -> None:
    for number in range(6):
        rows.add(f"Run {number}")
    rows.save(path)
    sandbox.faults.break_off_batches(3)
    registrar.csv(path)
    assert all(row["_job_id"] for row in Rows.read(path))
    assert registrar.csv(path).results == []
    assert len(handles(sandbox)) == 6


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4) | (
    st.text(st.sampled_from("=+-@\t\r\n',\" x"), max_size=4)
)


@settings(deadline=None, derandomize=True)
@given(text=TEXTS, mine=TEXTS, line_end=st.sampled_from(["\n", "\r\n"]))
@example(text="=1+1", mine="a\rb", line_end="\n")
@example(text="a\rb", mine="\r", line_end="\n")
@example(text="\t=1", mine="", line_end="\r\n")
def test_any_text_survives_and_no_spreadsheet_runs_that_of_the_server(
    text: str, mine: str, line_end: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.csv"
        content = io.StringIO(newline="")
        writer = csv.writer(content, lineterminator=line_end, quoting=csv.QUOTE_ALL)
        writer.writerows([["mine", *JOB_COLUMNS], [mine, "", "", "", ""]])
        path.write_bytes(content.getvalue().encode())
        table = Table.read(path)
        table.fill(table.new[0], JobCells("job", "FAILED", "", text))
        path.write_bytes(table.content())
        (row,) = Rows.read(path)
        assert row["mine"] == mine
        assert not row["_error_info"].startswith(("=", "+", "-", "@", "\t", "\r"))
        again = Table.read(path)
        assert again.cell(again.existing[0], "_error_info") == text.strip()


def test_equal_rows_have_their_own_model_runs_after_an_interruption(
    kind: Kind, rows: Rows, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"prov_facade._{kind}.csv_registration._SAVE_INTERVAL", 0)
    with Sandbox(seed=SEED, delays=JobDelays(0, 0, 0, in_progress=0.2)) as sandbox:
        registrar = registrar_for(kind, sandbox)
        for _ in range(4):
            rows.add("Equal")
        rows.save(path)

        def stop(progress: BulkProgress) -> None:
            if progress.registered >= 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            registrar.csv(path, on_progress=stop)
        registrar.csv(path)
        ids = {row["_model_run_record_id"] for row in Rows.read(path)}
        assert len(ids) == 4
        assert registered_names(sandbox) == {"Equal": 4}


def test_a_row_whose_job_has_an_unusable_result_is_registered(
    rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path
) -> None:
    rows.add("One")
    rows.save(path)
    session_id = registrar.csv(path).results[0].session_id
    with sandbox._started.store.transaction() as connection:
        connection.execute("UPDATE job SET result = '{}' WHERE session_id = ?", (session_id,))
    edited = Rows(rows.headers, Rows.read(path))
    edited.rows[0] |= {"_model_run_record_id": "", "_job_status": "PENDING"}
    edited.save(path)
    done = registrar.csv(path)
    assert done.unknown_jobs == {}
    (row,) = Rows.read(path)
    assert row["_job_status"] == "SUCCEEDED"
    assert "It is registered" in row["_error_info"]
    assert "clear" not in row["_error_info"]


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_that_write_different_outputs_register_a_file_once(
    *, kind: Kind, rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path, tmp_path: Path
) -> None:
    rows.add("One")
    rows.save(path)
    sandbox.faults.add("fetch_job", *[Fault(status=503)] * 10_000)
    options = {"output": tmp_path / "first.csv"}
    process = Work.of(sandbox, kind, 0, tmp_path, csv=path, options=options).start()
    with joined(process):
        while submissions(sandbox) == 0:
            time.sleep(0.01)
        with pytest.raises(ConfigError, match="in use"):
            registrar.csv(path, output=tmp_path / "second.csv")
        sandbox.faults.clear()
    assert process.exitcode == 0
    assert submissions(sandbox) == 1
    assert Rows.read(tmp_path / "first.csv")[0]["_job_status"] == "SUCCEEDED"


def test_a_file_that_appears_at_the_output_is_not_replaced(
    rows: Rows, registrar: Registrar, sandbox: Sandbox, path: Path, tmp_path: Path
) -> None:
    rows.add("One")
    rows.save(path)
    output = tmp_path / "output.csv"

    def appear(progress: BulkProgress) -> None:
        if progress.registered:
            output.write_bytes(b"mine")

    with pytest.raises(FileError) as caught:
        registrar.csv(path, output=output, on_progress=appear)
    assert caught.value.errno == errno.EEXIST
    assert output.read_bytes() == b"mine"
    output.unlink()
    registrar.csv(path, output=output)
    assert Rows.read(output)[0]["_model_run_record_id"] == handles(sandbox)["One"]
    assert submissions(sandbox) == 1
