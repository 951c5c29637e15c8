"""The state of a manifest after each call, and when it is opened again."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from manifest.calls import (
    ALL_TRANSITIONS,
    API,
    REFUSED,
    Call,
    Model,
    apply,
    endless_calls,
    invalid_record,
    outcomes,
    records,
    reopened,
    state_of,
)

from prov_facade._registration.manifest import (
    Chunk,
    ChunkState,
    Manifest,
    Outcome,
    StoredRecord,
)


def test_each_call_changes_the_state_immediately_and_persistently(path: Path) -> None:
    model = Model()
    with Manifest(path, API) as manifest:
        assert state_of(manifest) == Model().state()
    for call in ALL_TRANSITIONS:
        with Manifest(path, API) as manifest:
            assert state_of(manifest) == model.state()
            returned = apply(manifest, call)
            model.apply(call)
            assert state_of(manifest) == model.state()
            chunks = returned if call[0] == "split" else [returned]
            assert [manifest.chunk(chunk.first) for chunk in chunks] == list(chunks)
            last = len(model.chunks) - 1
            numbers = {"plan": [last], "split": [call[1][0], last]}.get(call[0], call[1][:1])
            assert [chunk.number for chunk in chunks] == list(numbers)
    assert reopened(path) == model.state()
    assert Counter(chunk["state"] for chunk in model.chunks) == {
        "done": 8,
        "not submitted": 1,
        "submitted": 1,
        "submitting": 1,
    }


def test_the_calls_include_every_method_that_writes() -> None:
    reading = {"chunk", "chunks", "next_record", "session_ids", "batch_ids"}
    reading |= {"close", "delete", "reset_after_fork"}
    methods = {name for name in vars(Manifest) if not name.startswith("_")} - reading
    assert {method for method, _ in ALL_TRANSITIONS} == methods
    usual = methods - {"forget", "known", "withdraw"}
    assert {method for method, _ in itertools.islice(endless_calls(), 60)} == usual


def test_a_new_chunk_has_the_values_it_was_planned_with(path: Path) -> None:
    given = [*records(2), invalid_record()]
    expected = Chunk(0, 0, 1.5, ChunkState.SUBMITTING, tuple(given))
    with Manifest(path, API) as manifest:
        assert manifest.plan(given, 1.5) == expected
        assert manifest.chunk(0) == expected
        assert manifest.chunk(3) is None
    assert expected.count == 3
    assert expected.open_records == given[:2]
    assert expected.session_id is None


def test_a_chunk_is_found_by_its_first_record_alone(path: Path) -> None:
    with Manifest(path, API) as manifest:
        for call in ALL_TRANSITIONS:
            apply(manifest, call)
        model = Model(ALL_TRANSITIONS)
        numbers = {chunk["first"]: chunk["number"] for chunk in model.chunks}
        for first in range(-1, max(numbers) + 3):
            chunk = manifest.chunk(first)
            assert (chunk and chunk.number) == numbers.get(first)


def test_chunks_are_selected_by_their_states(path: Path) -> None:
    with Manifest(path, API) as manifest:
        for call in ALL_TRANSITIONS:
            apply(manifest, call)
        model = Model(ALL_TRANSITIONS)
        for number in range(len(ChunkState) + 1):
            for states in itertools.combinations(ChunkState, number):
                found = [chunk.number for chunk in manifest.chunks(*states)]
                chunks, _, _ = model.state()
                assert found == [one["number"] for one in chunks if one["state"] in states]


def test_chunks_may_be_changed_while_they_are_listed(path: Path) -> None:
    with Manifest(path, API) as manifest:
        for number in range(3):
            manifest.plan(records(1, number), 0.0)
        for chunk in manifest.chunks(ChunkState.SUBMITTING):
            manifest.submitted(chunk.number, f"job {chunk.number}")
        listed = list(manifest.chunks(ChunkState.SUBMITTED))
        assert [chunk.session_id for chunk in listed] == ["job 0", "job 1", "job 2"]


PLANNED: Call = ("plan", (records(2), 0.0))
SUBMITTED: Call = ("submitted", (0, "job"))
NOT_SUBMITTED: Call = ("not_submitted", (0, "no", {}))
BROKEN_OFF: Call = ("broken_off", (0, {0: "job of record 0"}))
DONE: Call = ("done", (0, outcomes(2)))
ONE_REFUSED: Call = ("not_submitted", (0, "no", {1: REFUSED}))
INVALID: Call = ("plan", ([StoredRecord(), *records(1)], 0.0))
VALID = records(1)[0]


@pytest.mark.parametrize(
    ("before", "call"),
    [
        ([], ("plan", ([], 0.0))),
        ([], ("plan", ([VALID._replace(digest=b"x" * 31)], 0.0))),
        ([], ("plan", ([VALID._replace(digest=b"x" * 33)], 0.0))),
        ([], ("plan", ([VALID._replace(identity=b"")], 0.0))),
        ([], ("plan", ([VALID, VALID._replace(outcome=Outcome(""))], 0.0))),
        ([], ("plan", ([VALID._replace(outcome=Outcome("job", "\ud800"))], 0.0))),
        ([], ("plan", (records(1), float("nan")))),
        ([], ("plan", (records(1), "now"))),
        ([], SUBMITTED),
        ([], ("plan_again", (0, 0.0))),
        ([], NOT_SUBMITTED),
        ([], ("batch", (0, "batch"))),
        ([], BROKEN_OFF),
        ([], ("split", (0, 1))),
        ([], DONE),
        ([PLANNED], ("plan_again", (0, 0.0))),
        ([PLANNED], ("submitted", (1, "job"))),
        ([PLANNED], ("submitted", (0, ""))),
        ([PLANNED], ("submitted", (0, None))),
        ([PLANNED], ("submitted", (0, "\ud800"))),
        ([PLANNED], ("batch", (0, "batch"))),
        ([PLANNED], BROKEN_OFF),
        ([PLANNED], ("split", (0, 1))),
        ([PLANNED], DONE),
        ([PLANNED], ("not_submitted", (0, "no", {2: REFUSED}))),
        ([PLANNED], ("not_submitted", (0, "no", {-1: REFUSED}))),
        ([PLANNED, PLANNED], ("not_submitted", (1, "no", {1: REFUSED}))),
        ([PLANNED], ("not_submitted", (0, "no", {0: Outcome("")}))),
        ([PLANNED], ("not_submitted", (0, "no", {0: REFUSED, 1: ("too", "short")}))),
        ([INVALID], ("not_submitted", (0, "no", {0: REFUSED}))),
        ([PLANNED, SUBMITTED], ("submitted", (0, "another job"))),
        ([PLANNED, SUBMITTED], NOT_SUBMITTED),
        ([PLANNED, SUBMITTED], ("plan_again", (0, 0.0))),
        ([PLANNED, SUBMITTED], ("batch", (0, ""))),
        ([PLANNED, SUBMITTED], ("split", (0, 1))),
        ([PLANNED, SUBMITTED], ("broken_off", (0, {2: "job of a record that follows"}))),
        ([PLANNED, SUBMITTED], ("broken_off", (0, {0: "job of record 0", 1: ""}))),
        ([INVALID, SUBMITTED], ("broken_off", (0, {0: "job of an invalid record"}))),
        ([PLANNED, SUBMITTED], ("done", (0, outcomes(1)))),
        ([PLANNED, SUBMITTED], ("done", (0, outcomes(3)))),
        ([PLANNED, SUBMITTED], ("done", (0, [("too", "short")] * 2))),
        ([PLANNED, SUBMITTED, PLANNED], ("submitted", (1, "job"))),
        ([PLANNED, SUBMITTED, BROKEN_OFF], DONE),
        ([PLANNED, SUBMITTED, BROKEN_OFF], BROKEN_OFF),
        ([PLANNED, SUBMITTED, BROKEN_OFF], ("batch", (0, "late"))),
        ([PLANNED, SUBMITTED, BROKEN_OFF, ("plan_again", (0, 1.0))], SUBMITTED),
        (
            [PLANNED, SUBMITTED, BROKEN_OFF, ("plan_again", (0, 1.0)), ("submitted", (0, "job 2"))],
            BROKEN_OFF,
        ),
        ([PLANNED, SUBMITTED, DONE], DONE),
        ([PLANNED, SUBMITTED, DONE], ("batch", (0, "late"))),
        ([PLANNED, SUBMITTED, DONE], ("plan_again", (0, 0.0))),
        ([PLANNED, SUBMITTED, DONE], ("split", (0, 1))),
        ([PLANNED, NOT_SUBMITTED], SUBMITTED),
        ([PLANNED, NOT_SUBMITTED], NOT_SUBMITTED),
        ([PLANNED, NOT_SUBMITTED], BROKEN_OFF),
        ([PLANNED, NOT_SUBMITTED], ("plan_again", (0, float("nan")))),
        ([PLANNED, NOT_SUBMITTED], ("split", (0, 0))),
        ([PLANNED, NOT_SUBMITTED], ("split", (0, 2))),
        ([PLANNED, NOT_SUBMITTED], ("split", (0, 3))),
        ([PLANNED, NOT_SUBMITTED], ("split", (0, -1))),
        ([PLANNED, NOT_SUBMITTED], ("split", (0, 0.5))),
        ([PLANNED, PLANNED, ("not_submitted", (1, "no", {}))], ("split", (1, -1))),
        ([PLANNED, ONE_REFUSED], DONE),
        ([PLANNED, ONE_REFUSED, ("plan_again", (0, 1.0))], ONE_REFUSED),
    ],
)
def test_an_invalid_call_is_rejected_and_changes_nothing(
    before: list[Call], call: Call, path: Path
) -> None:
    model = Model(before)
    with Manifest(path, API) as manifest:
        for earlier in before:
            apply(manifest, earlier)
        written = path.read_bytes()
        with pytest.raises(ValueError, match=r"."):
            apply(manifest, call)
        assert path.read_bytes() == written
        assert state_of(manifest) == model.state()


def test_refused_records_stay_refused(path: Path) -> None:
    with Manifest(path, API) as manifest:
        given = records(3)
        manifest.plan(given, 0.0)
        manifest.not_submitted(0, "422", {0: REFUSED})
        again = manifest.plan_again(0, 1.0)
        assert [record.outcome for record in again.records] == [REFUSED, Outcome(), Outcome()]
        assert again.open_records == given[1:]
        with pytest.raises(ValueError, match="record 0"):
            manifest.not_submitted(0, "422", {0: Outcome(), 2: REFUSED})
        chunk = manifest.not_submitted(0, "422", {2: REFUSED})
        assert [record.outcome for record in chunk.records] == [REFUSED, Outcome(), REFUSED]
        assert chunk.open_records == given[1:2]


def test_records_with_a_job_keep_it_when_their_chunk_breaks_off(path: Path) -> None:
    with Manifest(path, API) as manifest:
        given = records(3)
        manifest.plan(given, 0.0)
        assert manifest.submitted(0, "job").session_id == "job"
        manifest.batch(0, "batch")
        chunk = manifest.broken_off(0, {1: "job of record 1"})
        assert chunk.session_id is None
        assert chunk.batches == (("job", "batch"),)
        assert chunk.open_records == [given[0], given[2]]
        assert chunk.records[1].outcome == Outcome("job of record 1")
        manifest.plan_again(0, 1.0)
        chunk = manifest.submitted(0, "job, again")
        assert chunk.session_id == "job, again"
        assert chunk.batches == (("job", "batch"), ("job, again", None))
        assert chunk.open_records == [given[0], given[2]]
        assert manifest.session_ids() == {"job", "job, again"}
        assert manifest.batch_ids() == {"batch"}
        manifest.batch(0, "batch, again")
        assert manifest.batch_ids() == {"batch", "batch, again"}


def test_a_chunk_is_split_between_its_neighbours(path: Path) -> None:
    given = records(4)
    with Manifest(path, API) as manifest:
        for of in ("before", None, "after"):
            manifest.plan(given if of is None else records(2, of), 0.5)
        manifest.not_submitted(1, "413", {2: REFUSED})
        kept, new = manifest.split(1, 1)
        refused = given[0]._replace(outcome=REFUSED)
        state = ChunkState.NOT_SUBMITTED
        assert kept == Chunk(1, 2, 0.5, state, (refused,))
        assert new == Chunk(3, 3, 0.5, state, tuple(given[1:]))
        assert [chunk.number for chunk in manifest.chunks(*ChunkState)] == [0, 1, 3, 2]
        assert manifest.plan(records(1, "last"), 0.5).first == 8


def test_a_closed_manifest_rejects_calls(path: Path) -> None:
    with Manifest(path, API) as manifest:
        manifest.plan(records(1), 0.0)
    manifest.close()
    calls: list[Call] = [("plan", (records(1), 0.0)), ("chunk", (0,))]
    for call in calls:
        with pytest.raises(ValueError, match="closed"):
            apply(manifest, call)
    with pytest.raises(ValueError, match="closed"):
        list(manifest.chunks(*ChunkState))


def test_a_temporary_manifest_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    many = [Outcome(None, None, "x" * 1000, None)] * 5000  # more than SQLite keeps in memory
    with Manifest(None, API) as manifest:
        manifest.plan(records(5000), 0.0)
        manifest.submitted(0, "job")
        manifest.done(0, many)
        assert outcomes_of(manifest) == many
        assert manifest.path is None
        assert list(tmp_path.iterdir()) == []


def outcomes_of(manifest: Manifest) -> list[Outcome]:
    """Return the outcomes of the records of the first chunk."""
    chunk = manifest.chunk(0)
    assert chunk is not None
    return [record.outcome for record in chunk.records]


def memory_when_open(path: Path) -> int:
    """Return how many bytes an open manifest holds."""
    gc.collect()
    tracemalloc.start()
    try:
        with Manifest(path, API):
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return held


@pytest.mark.stress
def test_memory_use_does_not_grow_with_the_number_of_records(tmp_path: Path) -> None:
    for name, size in (("few", 1), ("many", 20_000)):
        with Manifest(tmp_path / name, API) as manifest:
            manifest.plan(records(size), 0.0)
            manifest.submitted(0, "job")
            manifest.done(0, outcomes(size))
    memory_when_open(tmp_path / "few")  # warm up: only the first manifest allocates some memory
    assert memory_when_open(tmp_path / "many") < memory_when_open(tmp_path / "few") + 100_000


def test_many_outcomes_are_read_back_completely(path: Path) -> None:
    many: Any = [Outcome(None, None, "x" * 1000, "é")] * 5000
    with Manifest(path, API) as manifest:
        manifest.plan(records(5000), 0.0)
        manifest.submitted(0, "job")
        manifest.done(0, many)
        assert outcomes_of(manifest) == many
        assert all(type(outcome) is Outcome for outcome in outcomes_of(manifest))
