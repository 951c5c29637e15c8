"""What a manifest is told, it knows, and knows again when it is opened again."""

from __future__ import annotations

import gc
import json
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from manifest.telling import (
    API,
    FORMAT,
    JOURNEY,
    Call,
    Model,
    digest,
    header,
    line_of,
    modelled,
    outcomes,
    reopened,
    seen,
    tell,
)

from prov_facade import ConfigError
from prov_facade._registration.manifest import Chunk, Manifest, Outcome, State


def test_every_call_is_known_at_once_and_after_opening_again(path: Path) -> None:
    model = Model()
    with Manifest(path, API) as manifest:
        assert seen(manifest) == Model().seen()
    for call in JOURNEY:
        with Manifest(path, API) as manifest:
            assert seen(manifest) == model.seen()
            returned = tell(manifest, call)
            model.take(call)
            assert seen(manifest) == model.seen()
            if call[0] != "note":
                assert returned in manifest.chunks
                if call[0] != "plan":
                    assert returned.number == call[1][0]
    assert reopened(path) == model.seen()
    states = {chunk["state"] for chunk in model.chunks[:3]}
    assert states == {"done"}
    assert model.chunks[3]["state"] == "submitting"


def test_the_lines_are_those_of_the_format(path: Path) -> None:
    with Manifest(path, API) as manifest:
        for call in JOURNEY:
            tell(manifest, call)
    model = Model()
    expected = [header()]
    for call in JOURNEY:
        expected.append(line_of(call, model))
        model.take(call)
    lines = path.read_bytes().splitlines(keepends=True)
    assert [json.loads(line) for line in lines] == [json.loads(line) for line in expected]
    assert json.loads(lines[0]) == {FORMAT: 1, "prov_api": API}
    assert path.read_bytes().endswith(b"\n")


def test_lines_that_another_program_writes_are_read(path: Path) -> None:
    model = Model()
    lines = [header()]
    for call in JOURNEY:
        lines.append(line_of(call, model))
        model.take(call)
    path.write_bytes(b"".join(lines))
    assert reopened(path) == model.seen()


def test_a_chunk_has_what_it_was_planned_with(path: Path) -> None:
    with Manifest(path, API) as manifest:
        chunk = manifest.plan(0, 2, digest(0), 1.5)
    assert chunk == Chunk(
        number=0,
        first=0,
        count=2,
        digest=digest(0),
        at=1.5,
        state=State.SUBMITTING,
        session_id=None,
        batch_id=None,
        refused={},
    )


def test_what_is_told_twice_is_written_once(path: Path) -> None:
    calls: list[Call] = [
        ("plan", (0, 1, digest(0), 0.0)),
        ("submitted", (0, "job")),
        ("submitted", (0, "job")),
        ("batch", (0, "batch")),
        ("batch", (0, "batch")),
        ("done", (0, outcomes(1))),
        ("submitted", (0, "job")),
        ("batch", (0, "batch")),
    ]
    with Manifest(path, API) as manifest:
        for call in calls:
            tell(manifest, call)
        assert manifest.chunks[0].state is State.DONE
    assert len(path.read_bytes().splitlines()) == 5
    assert reopened(path) == modelled(calls).seen()


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


PLANNED: Call = ("plan", (0, 2, digest(0), 0.0))
SUBMITTED: Call = ("submitted", (0, "job"))


@pytest.mark.parametrize(
    ("before", "call"),
    [
        ([], ("plan", (1, 1, digest(0), 0.0))),
        ([], ("plan", (-1, 1, digest(0), 0.0))),
        ([], ("plan", (0, 0, digest(0), 0.0))),
        ([], ("plan", (0, 1, "f" * 63, 0.0))),
        ([], ("plan", (0, 1, "F" * 64, 0.0))),
        ([], ("plan", (0, 1, digest(0) + "\n", 0.0))),
        ([], ("plan", (0, 1, digest(0), float("nan")))),
        ([], ("plan", (0, 1, digest(0), "now"))),
        ([], ("submitted", (0, "job"))),
        ([PLANNED], ("plan", (1, 1, digest(0), 0.0))),
        ([PLANNED], ("plan", (3, 1, digest(0), 0.0))),
        ([PLANNED], ("plan_again", (0, digest(1), 0.0))),
        ([PLANNED], ("submitted", (-1, "job"))),
        ([PLANNED], ("submitted", (1, "job"))),
        ([PLANNED], ("submitted", (0, ""))),
        ([PLANNED], ("submitted", (0, None))),
        ([PLANNED], ("submitted", (0, "\ud800"))),
        ([PLANNED], ("batch", (0, "batch"))),
        ([PLANNED], ("done", (0, outcomes(2)))),
        ([PLANNED], ("outcomes", (0,))),
        ([PLANNED], ("outcomes", (1,))),
        ([PLANNED], ("not_submitted", (0, "no", {2: "none of its records"}))),
        ([PLANNED], ("not_submitted", (0, "no", {-1: "none of its records"}))),
        (
            [PLANNED, ("plan", (2, 1, digest(1), 0.0))],
            ("not_submitted", (1, "no", {1: "of the chunk before"})),
        ),
        ([PLANNED], ("not_submitted", (0, None, {}))),
        ([PLANNED], ("not_submitted", (0, "no", {0: None}))),
        ([PLANNED, SUBMITTED], ("submitted", (0, "another job"))),
        ([PLANNED, SUBMITTED], ("not_submitted", (0, "no", {}))),
        ([PLANNED, SUBMITTED], ("plan_again", (0, digest(1), 0.0))),
        ([PLANNED, SUBMITTED, ("done", (0, outcomes(2)))], ("outcomes", (-1,))),
        ([PLANNED, ("not_submitted", (0, "no", {}))], ("plan_again", (-1, digest(1), 0.0))),
        ([PLANNED, SUBMITTED], ("batch", (0, ""))),
        ([PLANNED, SUBMITTED], ("done", (0, outcomes(1)))),
        ([PLANNED, SUBMITTED], ("done", (0, outcomes(3)))),
        ([PLANNED, SUBMITTED], ("done", (0, [("too", "short")] * 2))),
        ([PLANNED, SUBMITTED], ("done", (0, [("one", "two", "many", "by", "one")] * 2))),
        ([PLANNED, SUBMITTED], ("done", (0, [(1, 2, 3, 4)] * 2))),
        ([PLANNED, SUBMITTED, ("batch", (0, "batch"))], ("batch", (0, "another"))),
        ([PLANNED, SUBMITTED, ("done", (0, outcomes(2)))], ("done", (0, outcomes(2)))),
        ([PLANNED, SUBMITTED, ("done", (0, outcomes(2)))], ("batch", (0, "late"))),
        (
            [PLANNED, SUBMITTED, ("plan", (2, 1, digest(1), 0.0))],
            ("submitted", (1, "job")),
        ),
        ([PLANNED, ("not_submitted", (0, "no", {}))], ("submitted", (0, "job"))),
        ([PLANNED, ("not_submitted", (0, "no", {}))], ("not_submitted", (0, "no", {}))),
        ([PLANNED, ("not_submitted", (0, "no", {1: "a"}))], ("done", (0, outcomes(2)))),
        (
            [PLANNED, ("not_submitted", (0, "no", {0: "a", 1: "b"}))],
            ("plan_again", (0, digest(1), 0.0)),
        ),
        (
            [
                PLANNED,
                ("not_submitted", (0, "no", {0: "a", 1: "b"})),
                ("done", (0, outcomes(2))),
            ],
            ("done", (0, outcomes(2))),
        ),
        ([], ("note", ("key", object()))),
        ([], ("note", ("key", nested(100_000)))),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    before: list[Call], call: Call, path: Path
) -> None:
    model = modelled(before)
    with Manifest(path, API) as manifest:
        for earlier in before:
            tell(manifest, earlier)
        written = path.read_bytes()
        with pytest.raises(ValueError, match=r".") as caught:
            tell(manifest, call)
        assert not isinstance(caught.value, ConfigError)
        assert path.read_bytes() == written
        assert seen(manifest) == model.seen()
    assert reopened(path) == model.seen()


def test_refused_records_stay_refused(path: Path) -> None:
    with Manifest(path, API) as manifest:
        manifest.plan(0, 3, digest(0), 0.0)
        manifest.not_submitted(0, "422", {0: "a"})
        manifest.plan_again(0, digest(1), 1.0)
        assert manifest.chunks[0].refused == {0: "a"}
        manifest.not_submitted(0, "422", {2: "c"})
        assert manifest.chunks[0].refused == {0: "a", 2: "c"}
        with pytest.raises(TypeError):
            manifest.chunks[0].refused[1] = "b"  # type: ignore[index]


def test_what_was_handed_out_stays_as_it_was(path: Path) -> None:
    with Manifest(path, API) as manifest:
        chunk = manifest.plan(0, 1, digest(0), 0.0)
        chunks, session_ids, notes = manifest.chunks, manifest.session_ids, manifest.notes
        manifest.submitted(0, "job")
        assert chunk.state is State.SUBMITTING
        assert list(chunks) == [chunk]
        assert session_ids == set()
        with pytest.raises(TypeError):
            notes["mine"] = 1  # type: ignore[index]


def test_a_note_is_kept_as_json_keeps_it(path: Path) -> None:
    with Manifest(path, API) as manifest:
        manifest.note("rows", (1, 2))
        assert manifest.notes == {"rows": [1, 2]}
    with Manifest(path, API) as manifest:
        assert manifest.notes == {"rows": [1, 2]}


def test_a_closed_manifest_takes_nothing(path: Path) -> None:
    with Manifest(path, API) as manifest:
        manifest.plan(0, 1, digest(0), 0.0)
        manifest.submitted(0, "job")
        manifest.done(0, outcomes(1))
    manifest.close()
    written = path.read_bytes()
    for call in [("note", ("a", 1)), ("plan", (1, 1, digest(0), 0.0)), ("outcomes", (0,))]:
        with pytest.raises(ValueError, match="closed file") as caught:
            tell(manifest, call)
        assert type(caught.value) is ValueError
    assert path.read_bytes() == written


def replayed(path: Path) -> int:
    """How many bytes an opened manifest of finished chunks holds."""
    gc.collect()
    tracemalloc.start()
    try:
        with Manifest(path, API) as manifest:
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
            assert len(manifest.chunks) == 20
    finally:
        tracemalloc.stop()
    return held


def finished(path: Path, chunks: int, size: int) -> None:
    """Write a manifest of finished chunks, without waiting for the disk."""
    rows = [Outcome(f"{index:036}", f"10378.1/{index:07}", None, None) for index in range(size)]
    model = Model()
    with path.open("wb") as file:
        file.write(header())
        for number in range(chunks):
            calls: list[Call] = [
                ("plan", (number * size, size, digest(number), 0.0)),
                ("submitted", (number, f"job {number}")),
                ("batch", (number, f"batch {number}")),
                ("done", (number, rows)),
            ]
            file.writelines(line_of(call, model) for call in calls)
            model.chunks.append({})


def test_memory_does_not_grow_with_the_records_of_finished_chunks(tmp_path: Path) -> None:
    finished(tmp_path / "few", 20, 1)
    finished(tmp_path / "many", 20, 2000)
    replayed(tmp_path / "few")  # what the first one alone takes
    assert replayed(tmp_path / "many") < replayed(tmp_path / "few") + 100_000


def test_a_hundred_thousand_records_are_replayed_in_no_time(path: Path) -> None:
    finished(path, 1000, 100)
    begun = time.monotonic()
    with Manifest(path, API) as manifest:
        took = time.monotonic() - begun
        assert len(manifest.chunks) == len(manifest.session_ids) == 1000
        assert len(manifest.outcomes(999)) == 100
    assert took < 5, f"{took:.1f} s"


def test_many_outcomes_are_read_back_whole(path: Path) -> None:
    told: Any = [Outcome(None, None, "x" * 1000, "é")] * 5000
    with Manifest(path, API) as manifest:
        manifest.plan(0, 5000, digest(0), 0.0)
        manifest.submitted(0, "job")
        manifest.done(0, told)
        manifest.note("after", True)
        assert manifest.outcomes(0) == told
        assert all(type(outcome) is Outcome for outcome in manifest.outcomes(0))
