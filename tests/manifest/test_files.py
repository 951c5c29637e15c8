"""Locks, permissions, and errors of the system."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from manifest.calls import (
    API,
    SIZE,
    Model,
    apply,
    endless_calls,
    outcomes,
    records,
    reopened,
    state_of,
)
from manifest.processes import (
    UNPRIVILEGED,
    fill,
    fork_while_writing,
    hold,
    open_without_privileges,
    run,
    started,
    try_to_open,
)

from prov_facade import ConfigError, FileError
from prov_facade._registration.manifest import ChunkState, Manifest


def permissions(path: Path | str) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


def test_a_new_manifest_is_readable_by_its_owner_alone(path: Path) -> None:
    journals = []

    def before_statement(statement: str) -> None:
        if statement == "COMMIT":
            journals.append(permissions(f"{path}-journal"))

    before = os.umask(0)
    try:
        with Manifest(path, API) as manifest:
            manifest._connection.set_trace_callback(before_statement)
            manifest.plan(records(1), 0.0)
            assert journals == [0o600]
            assert permissions(path) == permissions(f"{path}.lock") == 0o600
            assert sorted(entry.name for entry in path.parent.iterdir()) == [
                path.name,
                f"{path.name}.lock",
            ]
    finally:
        os.umask(before)


def test_an_existing_file_keeps_its_permissions(path: Path) -> None:
    path.touch(0o640)
    path.chmod(0o640)
    with Manifest(path, API):
        assert permissions(path) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="the system has other permissions")
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o622, 0o660, 0o666, 0o777])
def test_a_manifest_that_others_can_write_is_rejected(mode: int, path: Path) -> None:
    with Manifest(path, API) as manifest:
        manifest.plan(records(1), 0.0)
    before = reopened(path)
    path.chmod(mode)
    content = path.read_bytes()
    for _ in range(2):  # the first failure leaves no lock
        with pytest.raises(ConfigError, match="can be changed by other users") as caught:
            Manifest(path, API)
    assert str(path) in str(caught.value)
    assert "`chmod go-w`" in str(caught.value)
    assert path.read_bytes() == content
    assert permissions(path) == mode
    subprocess.run(["chmod", "go-w", path], check=True)  # noqa: S607
    assert reopened(path) == before


@pytest.mark.skipif(os.name == "nt", reason="the system has other permissions")
def test_an_empty_file_that_others_can_write_is_rejected(path: Path) -> None:
    path.touch()
    path.chmod(0o666)
    with pytest.raises(ConfigError, match="chmod go-w"):
        Manifest(path, API)
    assert path.read_bytes() == b""


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o755])
def test_a_manifest_that_others_can_only_read_is_accepted(mode: int, path: Path) -> None:
    with Manifest(path, API) as manifest:
        manifest.plan(records(1), 0.0)
    path.chmod(mode)
    with Manifest(path, API) as manifest:
        manifest.submitted(0, "job")
        assert permissions(path) == mode


def test_a_link_to_a_manifest_that_others_can_write_is_rejected(path: Path, tmp_path: Path) -> None:
    with Manifest(path, API):
        pass
    path.chmod(0o622)
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(ConfigError, match="can be changed by other users") as caught:
        Manifest(link, API)
    assert str(path) in str(caught.value)


def test_a_call_returns_once_its_change_is_on_the_disk(path: Path) -> None:
    """Check the SQLite setting: 3 is EXTRA, which includes the deletion of the journal."""
    with Manifest(path, API) as manifest:
        execute = manifest._connection.execute
        assert execute("PRAGMA synchronous").fetchone() == (3,)
        assert execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert not manifest._connection.in_transaction


def assert_in_use(path: Path | str) -> None:
    with pytest.raises(ConfigError, match="in use by another process or by this one") as caught:
        Manifest(path, API)
    assert os.path.realpath(path) in str(caught.value)


def test_a_second_use_in_the_same_process_is_rejected(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    with Manifest(path, API) as manifest:
        for name in (path, os.path.relpath(path), str(link)):
            assert_in_use(name)
        thread = threading.Thread(target=assert_in_use, args=(path,))
        thread.start()
        thread.join()
        path.read_bytes()  # drops the kind of lock that SQLite uses
        assert_in_use(path)
        manifest.plan(records(1), 0.0)
        with Manifest(tmp_path / "another", API):
            pass
    with Manifest(link, API) as manifest:
        assert manifest.chunk(0) is not None


def test_another_process_is_rejected(path: Path) -> None:
    with Manifest(path, API):
        ((kind, _, message),) = run(try_to_open, path)
        assert kind == "ConfigError"
        assert "in use" in message
    assert run(try_to_open, path) == [None]


def test_a_manifest_that_another_process_uses_is_rejected(path: Path) -> None:
    with started(hold, path) as (process, pipe):
        assert pipe.recv() == "open"
        assert_in_use(path)
        pipe.send("close")
        process.join()
        assert process.exitcode == 0
    assert reopened(path) == Model().state()


def test_a_transaction_of_another_program_is_an_error_after_the_busy_timeout(path: Path) -> None:
    with Manifest(path, API) as manifest:
        manifest._connection.execute("PRAGMA busy_timeout = 1")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(ConfigError, match="in use by another program"):
                manifest.plan(records(1), 0.0)
        assert manifest.plan(records(1), 0.0).number == 0


def test_threads_may_take_turns_with_a_manifest(path: Path) -> None:
    made: list[Any] = []

    def in_thread(work: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=lambda: made.append(work(*arguments)))
        thread.start()
        thread.join()

    in_thread(Manifest, path, API)
    manifest = made[0]
    in_thread(manifest.plan, records(1), 0.0)
    in_thread(manifest.close)
    with Manifest(path, API) as again:
        assert again.chunk(0) == made[1]


def test_a_child_process_does_not_keep_the_lock(path: Path) -> None:
    with Manifest(path, API):
        process = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False
        )
    try:
        assert reopened(path) == Model().state()
    finally:
        process.communicate(b"\n")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
@pytest.mark.parametrize("forks", [5, pytest.param(200, marks=pytest.mark.stress)])
def test_a_forked_process_cannot_use_or_harm_the_manifest(forks: int, path: Path) -> None:
    ((statuses, made, error),) = run(fork_while_writing, path, forks)
    assert statuses == [0] * forks
    assert error[0] == "ConfigError"  # it is still in use
    assert "in use" in error[2]
    model = Model()
    for _, call in zip(range(made), endless_calls(), strict=False):
        model.apply(call)
    assert reopened(path) == model.state()


def system_error(path: Path) -> FileError:
    with pytest.raises(FileError) as caught:
        Manifest(path, API)
    assert caught.value.filename == str(path)
    assert str(path) in str(caught.value)
    return caught.value


def test_system_errors_keep_their_number_and_reason(tmp_path: Path) -> None:
    error = system_error(tmp_path)
    assert error.errno == errno.EISDIR
    assert "Is a directory" in str(error)
    assert system_error(tmp_path / "no" / "manifest").errno == errno.ENOENT
    assert not (tmp_path / "no").exists()
    assert system_error(tmp_path / ("x" * 300)).errno == errno.ENAMETOOLONG
    (tmp_path / "file").touch()
    assert system_error(tmp_path / "file" / "manifest").errno == errno.ENOTDIR
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert system_error(loop).errno == errno.ELOOP
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "loop"]


def test_the_error_for_an_unusable_lock_file_names_it(path: Path) -> None:
    lock = Path(f"{path}.lock")
    lock.mkdir()
    error = system_error(path)
    assert error.errno == errno.EISDIR
    assert str(lock) in str(error)


def test_a_journal_that_cannot_be_created_is_an_error(path: Path, tmp_path: Path) -> None:
    with Manifest(path, API) as manifest:
        Path(f"{path}-journal").symlink_to(tmp_path / "no" / "journal")
        with pytest.raises(FileError, match="unable to open database file") as caught:
            manifest.plan(records(1), 0.0)
        assert caught.value.errno is None
        Path(f"{path}-journal").unlink()
        assert manifest.plan(records(1), 0.0).number == 0


def test_pipes_devices_and_invalid_names_are_rejected(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path(os.devnull)):
        with pytest.raises(ConfigError, match="is not a file"):
            Manifest(path, API)
    with pytest.raises(ConfigError, match="not a file name"):
        Manifest("a\0b", API)


def test_missing_permissions_are_reported() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for mode in (0o000, 0o200, 0o400, 0o600):
            path = folder / f"{mode:o}"
            with Manifest(path, API):
                pass
            Path(f"{path}.lock").unlink()
            path.chmod(mode)
            if os.geteuid() == 0:
                os.chown(path, UNPRIVILEGED, UNPRIVILEGED)
        # Nobody can create a file here, and therefore no lock file.
        folder.chmod(0o555)
        names = ["0", "200", "400", "600", "new"]
        try:
            failures = run(open_without_privileges, [folder / name for name in names])
        finally:
            folder.chmod(0o755)
    for file, (kind, number, message) in zip(names, failures, strict=True):
        assert (kind, number) == ("FileError", errno.EACCES), file
        assert "Permission denied" in message
        assert str(folder / file) in message
        assert (".lock" in message) == (file == "600")


@pytest.mark.parametrize("room", [0, 20_000])
def test_a_change_that_does_not_fit_on_the_disk_is_rolled_back(room: int, path: Path) -> None:
    """The system limits the size of the files: of the journal or of the manifest."""
    (number, filename, message), chunk = run(fill, path, room)
    assert number == errno.EIO
    assert filename == str(path)
    assert "cannot be read or written: disk I/O error" in message
    assert chunk.state is ChunkState.SUBMITTED
    with Manifest(path, API) as manifest:
        assert manifest.chunk(0).batches == (("job 0", "b"),)  # type: ignore[union-attr]
        manifest.done(0, outcomes(2000))


def test_a_full_disk_is_an_error_with_its_errno(path: Path) -> None:
    with Manifest(path, API) as manifest:
        manifest.plan(records(1000), 0.0)
        manifest.submitted(0, "job")
        (pages,) = manifest._connection.execute("PRAGMA page_count").fetchone()
        manifest._connection.execute(f"PRAGMA max_page_count = {pages}")
        before = state_of(manifest)
        with pytest.raises(FileError, match="full") as caught:
            manifest.done(0, outcomes(1000))
        assert caught.value.errno == errno.ENOSPC
        assert state_of(manifest) == before
    assert reopened(path) == before


@pytest.mark.parametrize("replaced", [True, False])
def test_a_moved_or_replaced_manifest_is_not_written(
    replaced: bool, path: Path, tmp_path: Path
) -> None:
    with Manifest(path, API) as manifest:
        manifest.plan(records(SIZE), 0.0)
        path.rename(tmp_path / "moved")
        if replaced:
            path.write_bytes((tmp_path / "moved").read_bytes())
        with pytest.raises(FileError, match="moved, deleted or replaced") as caught:
            manifest.submitted(0, "job")
        assert caught.value.errno == errno.ENOENT
        (tmp_path / "moved").replace(path)
        apply(manifest, ("submitted", (0, "job")))
