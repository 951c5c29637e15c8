"""The state of a manifest after each call, and when it is opened again."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from manifest.calls import (
    ALL_TRANSITIONS,
    API,
    Call,
    Model,
    apply,
    digest,
    outcomes,
    reopened,
    state_of,
)

from prov_facade._registration.manifest import Chunk, ChunkState, Manifest, Outcome


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
            assert returned == manifest.chunk(returned.number)
            if call[0] != "plan":
                assert returned.number == call[1][0]
    assert reopened(path) == model.state()
    assert [chunk["state"] for chunk in model.chunks] == ["done"] * 3 + ["submitting"]


def test_a_new_chunk_has_the_values_it_was_planned_with(path: Path) -> None:
    with Manifest(path, API) as manifest:
        assert manifest.plan(2, digest(0), 1.5) == Chunk(0, 0, 2, digest(0), 1.5)
        assert manifest.chunk(0) == Chunk(0, 0, 2, digest(0), 1.5, ChunkState.SUBMITTING)
        assert manifest.chunk(1) is None


def test_chunks_are_selected_by_their_state(path: Path) -> None:
    with Manifest(path, API) as manifest:
        for call in ALL_TRANSITIONS:
            apply(manifest, call)
        assert [chunk.number for chunk in manifest.chunks(ChunkState.DONE)] == [0, 1, 2]
        assert [chunk.number for chunk in manifest.chunks(ChunkState.SUBMITTING)] == [3]
        assert manifest.chunks(ChunkState.SUBMITTED) == []


PLANNED: Call = ("plan", (2, digest(0), 0.0))
SUBMITTED: Call = ("submitted", (0, "job"))
NOT_SUBMITTED: Call = ("not_submitted", (0, "no", {}))
DONE: Call = ("done", (0, outcomes(2)))


@pytest.mark.parametrize(
    ("before", "call"),
    [
        ([], ("plan", (0, digest(0), 0.0))),
        ([], ("plan", (1, "f" * 63, 0.0))),
        ([], ("plan", (1, "F" * 64, 0.0))),
        ([], ("plan", (1, digest(0) + "\n", 0.0))),
        ([], ("plan", (1, digest(0), float("nan")))),
        ([], ("plan", (1, digest(0), "now"))),
        ([], SUBMITTED),
        ([PLANNED], ("plan_again", (0, digest(1), 0.0))),
        ([PLANNED], ("submitted", (1, "job"))),
        ([PLANNED], ("submitted", (0, ""))),
        ([PLANNED], ("submitted", (0, None))),
        ([PLANNED], ("submitted", (0, "\ud800"))),
        ([PLANNED], ("batch", (0, "batch"))),
        ([PLANNED], DONE),
        ([PLANNED], ("outcomes", (0,))),
        ([PLANNED], ("outcomes", (1,))),
        ([PLANNED], ("not_submitted", (0, "no", {2: "of no chunk"}))),
        ([PLANNED], ("not_submitted", (0, "no", {-1: "of no chunk"}))),
        ([PLANNED, PLANNED], ("not_submitted", (1, "no", {1: "of the chunk before"}))),
        ([PLANNED], ("not_submitted", (0, "no", {0: None}))),
        ([PLANNED, SUBMITTED], ("submitted", (0, "another job"))),
        ([PLANNED, SUBMITTED], NOT_SUBMITTED),
        ([PLANNED, SUBMITTED], ("plan_again", (0, digest(1), 0.0))),
        ([PLANNED, SUBMITTED], ("batch", (0, ""))),
        ([PLANNED, SUBMITTED], ("done", (0, outcomes(1)))),
        ([PLANNED, SUBMITTED], ("done", (0, outcomes(3)))),
        ([PLANNED, SUBMITTED], ("done", (0, [("too", "short")] * 2))),
        ([PLANNED, SUBMITTED, PLANNED], ("submitted", (1, "job"))),
        ([PLANNED, SUBMITTED, DONE], DONE),
        ([PLANNED, SUBMITTED, DONE], ("batch", (0, "late"))),
        ([PLANNED, NOT_SUBMITTED], SUBMITTED),
        ([PLANNED, NOT_SUBMITTED], NOT_SUBMITTED),
        ([PLANNED, ("not_submitted", (0, "no", {1: "a"}))], DONE),
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
        manifest.plan(3, digest(0), 0.0)
        manifest.not_submitted(0, "422", {0: "a"})
        assert manifest.plan_again(0, digest(1), 1.0).refused == {0: "a"}
        chunk = manifest.not_submitted(0, "422", {0: "again", 2: "c"})
        assert chunk.refused == {0: "a", 2: "c"}
        assert chunk.excluded == {0}
        assert not chunk.all_refused


def test_a_closed_manifest_rejects_calls(path: Path) -> None:
    with Manifest(path, API) as manifest:
        manifest.plan(1, digest(0), 0.0)
    manifest.close()
    calls: list[Call] = [("plan", (1, digest(0), 0.0)), ("chunk", (0,))]
    for call in calls:
        with pytest.raises(ValueError, match="closed"):
            apply(manifest, call)


def test_a_temporary_manifest_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    many = [Outcome(None, None, "x" * 1000, None)] * 5000  # more than SQLite keeps in memory
    with Manifest(None, API) as manifest:
        manifest.plan(5000, digest(0), 0.0)
        manifest.submitted(0, "job")
        manifest.done(0, many)
        assert manifest.outcomes(0) == many
        assert manifest.path is None
        assert list(tmp_path.iterdir()) == []


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


def test_memory_use_does_not_grow_with_the_number_of_records(tmp_path: Path) -> None:
    for name, size in (("few", 1), ("many", 20_000)):
        with Manifest(tmp_path / name, API) as manifest:
            manifest.plan(size, digest(0), 0.0)
            manifest.submitted(0, "job")
            manifest.done(0, outcomes(size))
    memory_when_open(tmp_path / "few")  # warm up: only the first manifest allocates some memory
    assert memory_when_open(tmp_path / "many") < memory_when_open(tmp_path / "few") + 100_000


def test_many_outcomes_are_read_back_completely(path: Path) -> None:
    many: Any = [Outcome(None, None, "x" * 1000, "é")] * 5000
    with Manifest(path, API) as manifest:
        manifest.plan(5000, digest(0), 0.0)
        manifest.submitted(0, "job")
        manifest.done(0, many)
        assert manifest.outcomes(0) == many
        assert all(type(outcome) is Outcome for outcome in manifest.outcomes(0))
