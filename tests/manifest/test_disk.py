"""What the disk and the system refuse, and who else uses the file."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from manifest.child import SIZE
from manifest.telling import API, Model, digest, header, outcomes, reopened, run, seen, start

from prov_facade import ConfigError, FileError
from prov_facade._registration.append_only_file import sync_directory
from prov_facade._registration.manifest import Manifest, State


def test_a_new_file_is_its_owners_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        with Manifest(path, API):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(Path(f"{path}.lock").stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_a_file_that_is_there_keeps_its_permissions(path: Path) -> None:
    path.touch(0o640)
    path.chmod(0o640)
    with Manifest(path, API):
        assert stat.S_IMODE(path.stat().st_mode) == 0o640


def in_use(path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(ConfigError, match="in use") as caught:
        Manifest(path, API)
    assert time.monotonic() - begun < 1
    assert path.name in str(caught.value)


def test_a_second_one_of_the_same_file_is_refused_at_once(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    with Manifest(path, API) as manifest:
        in_use(path)
        in_use(Path(os.path.relpath(path)))
        with pytest.raises(ConfigError, match="in use"):
            Manifest(str(link), API)
        failures: list[Exception] = []

        def other() -> None:
            try:
                Manifest(path, API)
            except ConfigError as error:
                failures.append(error)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert len(failures) == 1
        manifest.note("still", "mine")
        with Manifest(tmp_path / "another", API):
            pass
    with Manifest(link, API) as manifest:
        assert manifest.notes == {"still": "mine"}


def test_another_process_is_refused_at_once(path: Path) -> None:
    with Manifest(path, API):
        ((kind, _, message),) = run("try_to_open", str(path))
        assert kind == "ConfigError"
        assert "in use" in message
    assert run("try_to_open", str(path)) == [None]


def test_one_that_another_process_has_open_is_refused(path: Path) -> None:
    with start("hold", str(path)) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == '"held"\n'
        in_use(path)
        process.stdin.close()
        assert process.wait(30) == 0
    assert reopened(path) == Model().seen()


def test_one_that_cannot_be_used_is_not_left_locked_or_open(path: Path) -> None:
    path.write_bytes(b"x")
    for _ in range(3):
        with pytest.raises(ConfigError, match="manifest that can be used"):
            Manifest(path, API)
    path.unlink()
    assert reopened(path) == Model().seen()


def test_threads_may_take_turns(path: Path) -> None:
    made: list[Manifest] = []

    def in_thread(work: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=lambda: made.append(work(*arguments)))
        thread.start()
        thread.join()

    in_thread(Manifest, path, API)
    manifest = made[0]
    in_thread(manifest.plan, 0, 1, digest(0), 0.0)
    in_thread(manifest.close)
    with Manifest(path, API) as again:
        assert len(again.chunks) == 1


def test_a_process_that_was_started_meanwhile_does_not_keep_it(path: Path) -> None:
    with Manifest(path, API):
        process = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False
        )
    try:
        assert reopened(path) == Model().seen()
    finally:
        process.communicate(b"\n")


def outside(path: Path) -> FileError:
    with pytest.raises(FileError) as caught:
        Manifest(path, API)
    assert caught.value.filename == str(path)
    assert str(path) in str(caught.value)
    return caught.value


def test_what_the_system_refuses_it_says(tmp_path: Path) -> None:
    error = outside(tmp_path)
    assert error.errno == errno.EISDIR
    assert "Is a directory" in str(error)
    assert outside(tmp_path / "no" / "manifest").errno == errno.ENOENT
    assert not (tmp_path / "no").exists()
    assert outside(tmp_path / ("x" * 300)).errno == errno.ENAMETOOLONG
    (tmp_path / "file").touch()
    assert outside(tmp_path / "file" / "manifest").errno == errno.ENOTDIR
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert outside(loop).errno == errno.ELOOP
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "loop"]


def test_where_the_lock_cannot_be_it_says_so(path: Path) -> None:
    lock = Path(f"{path}.lock")
    lock.mkdir()
    error = outside(path)
    assert error.errno == errno.EISDIR
    assert str(lock) in str(error)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path(os.devnull)):
        with pytest.raises(ConfigError, match="is not a file"):
            Manifest(path, API)
    with pytest.raises(ConfigError, match="no name of a file"):
        Manifest("a\0b", API)


def test_permissions_that_are_missing_are_named() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for mode in (0o000, 0o222, 0o444, 0o666):
            (folder / f"{mode:o}").write_bytes(header())
            (folder / f"{mode:o}").chmod(mode)
        # Nobody may add a file here, and with it neither a lock.
        folder.chmod(0o555)
        try:
            names = ["0", "222", "444", "666", "new"]
            allowed, *failures = run("stranger", name, *names)
        finally:
            folder.chmod(0o755)
    assert allowed is None
    for file, (kind, number, message) in zip(names, failures, strict=True):
        assert (kind, number) == ("FileError", errno.EACCES), file
        assert "Permission denied" in message
        assert str(folder / file) in message
        assert (".lock" in message) == (file == "666")


@pytest.mark.parametrize("room", [0, 1, 40, 400, 1000])
def test_a_line_for_which_there_is_no_room_leaves_nothing(room: int, path: Path) -> None:
    (number, filename, message, grown), state = run("fill", str(path), str(room))
    assert number == errno.EFBIG
    assert filename == str(path)
    assert "File too large" in message
    assert grown == 0
    assert state == "submitted"
    with Manifest(path, API) as manifest:
        assert manifest.chunks[0].state is State.SUBMITTED
        assert manifest.chunks[0].batch_id == "b"
        manifest.done(0, outcomes(50))
    assert path.read_bytes().endswith(b"\n")


@contextmanager
def watched(happening: Any) -> Iterator[None]:
    """Tell of every call of a C function before it is made."""

    def called(frame: FrameType, event: str, function: Any) -> None:
        if event == "c_call":
            happening(frame.f_code.co_name, function.__name__)

    sys.setprofile(called)
    try:
        yield
    finally:
        sys.setprofile(None)


def test_every_line_is_on_the_disk_before_the_call_returns(path: Path) -> None:
    found: list[tuple[str, str]] = []

    def happening(where: str, function: str) -> None:
        if function in ("write", "fsync", "truncate"):
            found.append((where, function))

    line = [("append", "write"), ("append", "fsync")]
    with watched(happening):
        manifest = Manifest(path, API)
    assert found == [("sync_directory", "fsync"), *line]
    for tell in (
        lambda: manifest.plan(0, 1, digest(0), 0.0),
        lambda: manifest.not_submitted(0, "no", {}),
        lambda: manifest.plan_again(0, digest(0), 0.0),
        lambda: manifest.submitted(0, "job"),
        lambda: manifest.batch(0, "batch"),
        lambda: manifest.done(0, outcomes(1)),
        lambda: manifest.note("a", 1),
    ):
        found.clear()
        with watched(happening):
            tell()
        assert found == line
    manifest.close()


def number_of(path: Path) -> int:
    """The number under which this process has a file open."""
    for entry in Path("/proc/self/fd").iterdir():
        if entry.exists() and entry.readlink() == path:
            return int(entry.name)
    raise AssertionError(path)


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="the system does not tell what a process has open"
)


@contextmanager
def failing(path: Path, function: str) -> Iterator[None]:
    """Have the system refuse a function for an open file, whose place a directory takes."""
    number = number_of(path)
    kept = os.dup(number)
    other = os.open("/proc", os.O_RDONLY)

    def happening(_: str, called: str) -> None:
        if called == function:
            os.dup2(other, number, inheritable=False)

    try:
        with watched(happening):
            yield
    finally:
        os.dup2(kept, number, inheritable=False)
        os.close(kept)
        os.close(other)


@needs_proc
@pytest.mark.parametrize("function", ["write", "fsync"])
def test_after_a_write_of_unknown_end_nothing_more_is_taken(function: str, path: Path) -> None:
    model = Model()
    model.take(("plan", (0, 1, digest(0), 0.0)))
    with Manifest(path, API) as manifest:
        manifest.plan(0, 1, digest(0), 0.0)
        with pytest.raises(FileError) as caught, failing(path, function):
            manifest.submitted(0, "job")
        assert caught.value.filename == str(path)
        assert seen(manifest) == model.seen()
        before = path.read_bytes()
        with pytest.raises(FileError, match="a write before was broken off"):
            manifest.submitted(0, "job")
        assert seen(manifest) == model.seen()
        assert path.read_bytes() == before
    with Manifest(path, API) as manifest:
        # The disk may have taken it all the same.
        assert manifest.chunks[0].state in (State.SUBMITTING, State.SUBMITTED)
        manifest.submitted(0, "job")


def test_a_directory_that_cannot_be_synced_is_an_error_only_if_it_could_be(tmp_path: Path) -> None:
    sync_directory(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_directory(tmp_path / "no")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        sync_directory(tmp_path / "file")


@needs_proc
def test_a_file_system_without_a_disk_has_nothing_to_wait_for() -> None:
    number = os.open("/proc", os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="Invalid argument"):
            os.fsync(number)
    finally:
        os.close(number)
    sync_directory(Path("/proc"))


def test_a_file_that_something_else_changes_takes_nothing_more(path: Path, tmp_path: Path) -> None:
    with Manifest(path, API) as manifest:
        manifest.plan(0, SIZE, digest(0), 0.0)
        with path.open("ab") as file:
            file.write(b"mine\n")
        written = path.read_bytes()
        with pytest.raises(FileError, match="something else has changed it"):
            manifest.submitted(0, "job")
        with pytest.raises(FileError, match="something else has changed it"):
            manifest.note("never", "kept")
        assert not manifest.notes
        assert path.read_bytes() == written
        os.truncate(path, len(written) - len(b"mine\n"))
        manifest.submitted(0, "job")
        path.rename(tmp_path / "moved")
        manifest.batch(0, "batch")
        (tmp_path / "moved").unlink()
        with pytest.raises(FileError, match="deleted or replaced"):
            manifest.done(0, outcomes(SIZE))
        assert manifest.chunks[0].state is State.SUBMITTED


def test_outcomes_that_something_else_has_changed_are_not_given_out(path: Path) -> None:
    with Manifest(path, API) as manifest:
        manifest.plan(0, 1, digest(0), 0.0)
        manifest.submitted(0, "job")
        before = path.stat().st_size
        manifest.done(0, outcomes(1))
        length = path.stat().st_size - before
        whole = path.read_bytes()
        for line in (b"", b"x" * length, b'{"note":{"a":1}}'.ljust(length)):
            path.write_bytes(whole[:before] + line)
            with pytest.raises(ConfigError, match=f"at byte {before}"):
                manifest.outcomes(0)
        path.write_bytes(whole.replace(b'"chunk":0,"outcomes"', b'"chunk":1,"outcomes"'))
        with pytest.raises(ConfigError, match="it has been changed"):
            manifest.outcomes(0)
        path.write_bytes(whole)
        assert manifest.outcomes(0) == outcomes(1)
