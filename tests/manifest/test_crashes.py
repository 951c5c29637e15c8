"""A crash at any moment leaves the state before or after the call."""

from __future__ import annotations

import itertools
import random
import shutil
import signal
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manifest.calls import (
    ALL_TRANSITIONS,
    API,
    REFUSED,
    Call,
    Model,
    apply,
    endless_calls,
    invalid_record,
    open_indexes,
    outcomes,
    records,
    reopened,
    state_of,
)
from manifest.processes import hold, receive_all, started, write

from prov_facade import ConfigError
from prov_facade._registration.manifest import Manifest, Outcome, StoredRecord


def journal_of(path: Path) -> Path:
    return Path(f"{path}-journal")


@contextmanager
def traced(manifest: Manifest, before_statement: Callable[[str], None]) -> Iterator[None]:
    manifest._connection.set_trace_callback(before_statement)
    try:
        yield
    finally:
        manifest._connection.set_trace_callback(None)


class Copies:
    """Copies of a manifest and its journal, as a crash before a statement would leave them.

    SQLite gets little memory, so that it writes pages to the file before the end of the
    transaction.
    """

    def __init__(self, path: Path, manifest: Manifest, folder: Path) -> None:
        self._path = path
        self._folder = folder
        self._last: tuple[bytes, bytes | None] | None = None
        self.paths: list[Path] = []
        manifest._connection.execute("PRAGMA cache_size = 1")

    def take(self, _statement: str) -> None:
        journal = journal_of(self._path)
        now = self._path.read_bytes(), journal.read_bytes() if journal.exists() else None
        if now == self._last:
            return
        self._last = now
        copy = self._folder / str(len(self.paths))
        shutil.copy(self._path, copy)
        if journal.exists():
            shutil.copy(journal, journal_of(copy))
        self.paths.append(copy)


@pytest.mark.parametrize(
    "number", range(len(ALL_TRANSITIONS)), ids=lambda number: ALL_TRANSITIONS[number][0]
)
def test_a_crash_within_a_call_leaves_the_state_before(
    number: int, path: Path, tmp_path: Path
) -> None:
    before = Model(ALL_TRANSITIONS[:number])
    with Manifest(path, API) as manifest:
        for call in ALL_TRANSITIONS[:number]:
            apply(manifest, call)
        copies = Copies(path, manifest, tmp_path)
        with traced(manifest, copies.take):
            apply(manifest, ALL_TRANSITIONS[number])
    for copy in copies.paths:
        with Manifest(copy, API) as manifest:
            assert state_of(manifest) == before.state()
            apply(manifest, ALL_TRANSITIONS[number])
    for finished in (path, *copies.paths):
        assert reopened(finished) == Model(ALL_TRANSITIONS[: number + 1]).state()


def submit_large_chunk(manifest: Manifest) -> Call:
    """Submit a chunk whose outcomes fill many pages, and return the call that writes them."""
    manifest.plan(records(2000), 0.0)
    manifest.submitted(0, "job")
    return "done", (0, outcomes(2000))


def test_pages_that_are_written_early_are_rolled_back(path: Path, tmp_path: Path) -> None:
    with Manifest(path, API) as manifest:
        call = submit_large_chunk(manifest)
        before, content = state_of(manifest), path.read_bytes()
        copies = Copies(path, manifest, tmp_path)
        with traced(manifest, copies.take):
            apply(manifest, call)
    changed = [copy for copy in copies.paths if copy.read_bytes() != content]
    assert len(changed) > 10  # otherwise the test proves nothing
    for copy in changed[:: len(changed) // 10]:
        assert reopened(copy) == before


MAGIC = bytes.fromhex("d9d505f920a163d7")


def synced(journal: bytes) -> bytes:
    """A journal after a sync: its header contains the number of its pages."""
    assert journal[:12] == bytes(12)
    sector_size, page_size = struct.unpack(">II", journal[20:28])
    pages = (len(journal) - sector_size) // (page_size + 8)
    return MAGIC + struct.pack(">I", pages) + journal[12:]


def test_a_torn_journal_or_torn_pages_leave_the_state_before(path: Path, tmp_path: Path) -> None:
    journal = b""

    def keep(statement: str) -> None:
        nonlocal journal
        if statement == "COMMIT":
            journal = journal_of(path).read_bytes()

    with Manifest(path, API) as manifest:
        for call in ALL_TRANSITIONS[:5]:
            apply(manifest, call)
        before, old = state_of(manifest), path.read_bytes()
        with traced(manifest, keep):
            apply(manifest, ALL_TRANSITIONS[5])
    new = path.read_bytes()
    after = reopened(path)
    assert before != after
    copy = tmp_path / "copy"

    def crashed(content: bytes, torn: bytes) -> Any:
        copy.write_bytes(content)
        journal_of(copy).write_bytes(torn)
        return reopened(copy)

    # While the journal is written, the file is unchanged.
    for length in [*range(0, 600, 50), *range(600, len(journal), 997)]:
        for torn in (journal[:length], synced(journal)[:length]):
            assert crashed(old, torn) == before
    # While the file is written, the journal is complete. Here it lacks the first page, which SQLite
    # adds only then.
    page = 4096
    changed = 0
    for position in range(page, len(new), 509):
        mixed = old[:page] + new[page:position] + old[position:]
        changed += mixed != old
        assert crashed(mixed, synced(journal)) == before
    assert changed > 10


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
IDS = st.sampled_from("abcdefghij")
TIMES = st.floats(allow_nan=False, allow_infinity=False)
GIVEN = st.integers(0, 5).flatmap(
    lambda size: st.lists(
        st.sampled_from([*records(3), invalid_record(), StoredRecord()]),
        min_size=size,
        max_size=size,
    )
)
REFUSALS = st.builds(Outcome, st.none(), st.none(), TEXTS, TEXTS) | st.just(REFUSED)


FOLLOWING = {
    "submitting": ["submitted", "submitted", "not_submitted"],
    "submitted": ["batch", "broken_off", "known", "done"],
    "not submitted": ["plan_again", "split", "withdraw", "done"],
    "done": ["forget"],
}


def calls_for(model: Model) -> st.SearchStrategy[Call]:
    """Calls of all kinds, most of which are allowed."""
    plan = st.tuples(st.just("plan"), st.tuples(GIVEN, TIMES))
    ways = [plan]
    for number, chunk in enumerate(model.chunks):
        calls = calls_for_chunk(number, chunk)
        ways += [calls[method] for method in FOLLOWING[chunk["state"]] * 2]
        ways.append(st.one_of(*calls.values()))
    nothing = {"first": 0, "records": [], "state": "done"}
    ways.append(st.one_of(*calls_for_chunk(len(model.chunks), nothing).values()))
    return st.integers(0, len(ways) - 1).flatmap(ways.__getitem__)


def calls_for_chunk(number: int, chunk: dict[str, Any]) -> dict[str, st.SearchStrategy[Call]]:
    size, first, still_open = len(chunk["records"]), chunk["first"], sorted(open_indexes(chunk))
    indexes = st.integers(first - 1, first + size)

    def for_records(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[int, Any]]:
        fitting = [st.just(index) for index in still_open]
        by_open = st.dictionaries(st.one_of(*fitting), values, max_size=3 if fitting else 0)
        return st.one_of(*[by_open] * 3, st.dictionaries(indexes, values, max_size=2))

    arguments: dict[str, list[st.SearchStrategy[Any]]] = {
        "plan_again": [TIMES],
        "submitted": [IDS],
        "not_submitted": [TEXTS, for_records(REFUSALS)],
        "batch": [IDS],
        "broken_off": [for_records(IDS)],
        "known": [for_records(REFUSALS)],
        "withdraw": [for_records(REFUSALS)],
        "forget": [],
        "split": [st.integers(1, max(1, size - 1)) | st.integers(0, size)],
        "done": [st.just(outcomes(size)) | st.integers(1, 3).map(outcomes)],
    }
    return {
        method: st.tuples(st.just(method), st.tuples(st.just(number), *values))
        for method, values in arguments.items()
    }


@settings(deadline=None, derandomize=True, max_examples=10)
@given(st.data())
def test_any_sequence_of_calls_gives_the_state_of_the_model(data: st.DataObject) -> None:
    model = Model()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder).resolve() / "manifest"
        for _ in range(data.draw(st.integers(1, 3))):
            with Manifest(path, API) as manifest:
                assert state_of(manifest) == model.state()
                for _ in range(data.draw(st.integers(1, 15))):
                    call = data.draw(calls_for(model))
                    if model.allows(call):
                        apply(manifest, call)
                        model.apply(call)
                    else:
                        with pytest.raises(ValueError, match=r"."):
                            apply(manifest, call)
                    assert state_of(manifest) == model.state()


class CrashChecker:
    """Checks a manifest that several processes write, each until it is killed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._model = Model()
        self._calls = endless_calls()
        self.done = 0

    def check(self, reported: int) -> None:
        """Check that the manifest reflects the calls that returned, and perhaps the next one."""
        for call in itertools.islice(self._calls, reported - self.done):
            self._model.apply(call)
        self.done = reported
        found = reopened(self._path)
        if found != self._model.state():  # killed before it could report the call
            self._model.apply(next(self._calls))
            self.done += 1
        assert found == self._model.state()


@pytest.mark.parametrize("kills", [4, pytest.param(60, marks=pytest.mark.stress)])
def test_a_process_killed_at_any_time_loses_nothing(kills: int, path: Path) -> None:
    rng = random.Random(1)  # noqa: S311 - not for a secret
    checker = CrashChecker(path)
    for _ in range(kills):
        with started(write, path, checker.done) as (process, pipe):
            reported = [pipe.recv() for _ in range(rng.randrange(1, 40))]
            process.kill()  # at an arbitrary moment
            reported += receive_all(pipe)
            process.join()
            assert process.exitcode == -signal.SIGKILL
        checker.check(reported[-1])
    assert checker.done > kills


@pytest.mark.parametrize("step", [3001, pytest.param(173, marks=pytest.mark.stress)])
def test_a_process_killed_during_a_write_loses_nothing(step: int, path: Path) -> None:
    """The system kills it when a file would exceed a limit, after writing up to that limit."""
    checker = CrashChecker(path)
    for limit in range(1, 50_000, step):
        with started(write, path, checker.done, limit) as (process, pipe):
            reported = receive_all(pipe)
            process.join()
            assert process.exitcode == -signal.SIGXFSZ
        checker.check(reported[-1] if reported else checker.done)
    assert checker.done > 10


def test_a_killed_process_leaves_no_lock(path: Path) -> None:
    with started(hold, path) as (process, pipe):
        assert pipe.recv() == "open"
        with pytest.raises(ConfigError, match="in use"):
            Manifest(path, API)
        process.kill()
        process.join()
        assert reopened(path) == Model().state()
