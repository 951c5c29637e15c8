"""Whatever ends a process, what was told is kept, and half a line is not acted upon."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import signal
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manifest.child import endless
from manifest.telling import (
    API,
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
    start,
    tell,
)

from prov_facade import ConfigError
from prov_facade._registration.manifest import Manifest


@pytest.mark.parametrize("length", range(len(header())))
def test_a_file_that_a_crash_left_at_its_start_is_a_new_one(length: int, path: Path) -> None:
    with Manifest(path, API):
        whole = path.read_bytes()
    path.write_bytes(whole[:length])
    assert reopened(path) == Model().seen()
    assert path.read_bytes() == whole


@pytest.mark.parametrize("number", range(len(JOURNEY)), ids=lambda number: JOURNEY[number][0])
def test_a_line_that_breaks_off_anywhere_was_never_told(number: int, path: Path) -> None:
    earlier = modelled(JOURNEY[:number]).seen()
    with Manifest(path, API) as manifest:
        for call in JOURNEY[:number]:
            tell(manifest, call)
        before = path.read_bytes()
        tell(manifest, JOURNEY[number])
    after = path.read_bytes()
    assert len(after) > len(before) + 20
    for length in range(len(before), len(after)):
        path.write_bytes(after[:length])
        with Manifest(path, API) as manifest:
            assert seen(manifest) == earlier
            assert path.read_bytes() == before
            if length % 10 == 0:
                tell(manifest, JOURNEY[number])
                assert path.read_bytes() == after
    path.write_bytes(after)
    assert reopened(path) == modelled(JOURNEY[: number + 1]).seen()


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
IDS = st.sampled_from(["a", "b", "c"])
TIMES = st.floats(allow_nan=False, allow_infinity=False)
DIGESTS = st.sampled_from([digest(number) for number in range(3)])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TIMES | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)


def calls_for(model: Model) -> st.SearchStrategy[Call]:
    """Calls of all kinds, most of which may be made."""
    ends = sum(chunk["count"] for chunk in model.chunks)
    refused = st.dictionaries(st.integers(0, ends), TEXTS, max_size=3)
    numbers = st.integers(0, len(model.chunks))
    kinds: dict[str, list[st.SearchStrategy[Any]]] = {
        "plan": [st.sampled_from([ends, ends, ends + 1]), st.integers(0, 3), DIGESTS, TIMES],
        "plan_again": [numbers, DIGESTS, TIMES],
        "submitted": [numbers, IDS],
        "not_submitted": [numbers, TEXTS, refused],
        "batch": [numbers, IDS],
        "done": [numbers, st.integers(1, 3).map(outcomes)],
        "note": [TEXTS, JSON],
    }
    return st.sampled_from(list(kinds)).flatmap(
        lambda kind: st.tuples(st.just(kind), st.tuples(*kinds[kind]))
    )


def refuse(path: Path, call: Call, model: Model) -> None:
    """Check that a manifest with a line that cannot be is refused, by the number of the line."""
    written = path.read_bytes()
    damaged = written + line_of(call, model)
    path.write_bytes(damaged)
    with pytest.raises(ConfigError) as caught:
        Manifest(path, API)
    message = str(caught.value)
    assert message.startswith(f"{str(path)!r} is not a manifest that can be used: ")
    assert f": line {len(damaged.splitlines())}: " in message
    assert path.read_bytes() == damaged
    path.write_bytes(written)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.data())
def test_after_every_crash_it_is_as_it_was_told(data: st.DataObject) -> None:
    model = Model()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        path = Path(folder).resolve() / "manifest"
        manifest = stack.enter_context(Manifest(path, API))
        for _ in range(data.draw(st.integers(1, 25))):
            call = data.draw(calls_for(model))
            before = path.read_bytes()
            if not model.allows(call):
                with pytest.raises(ValueError, match=r"."):
                    tell(manifest, call)
                assert path.read_bytes() == before
                manifest.close()
                refuse(path, call, model)
                manifest = stack.enter_context(Manifest(path, API))
                continue
            earlier = model.copy()
            tell(manifest, call)
            model.take(call)
            assert seen(manifest) == model.seen()
            after = path.read_bytes()
            kept = data.draw(st.integers(len(before), len(after)))
            if data.draw(st.booleans()):
                manifest.close()
                path.write_bytes(after[:kept])
                if kept < len(after):
                    model = earlier
                manifest = stack.enter_context(Manifest(path, API))
                assert seen(manifest) == model.seen()


def test_a_doubled_line_of_an_id_is_no_harm(path: Path) -> None:
    calls: list[Call] = [("plan", (0, 1, digest(0), 0.0)), ("submitted", (0, "a"))]
    calls += [("batch", (0, "b")), ("submitted", (0, "a")), ("batch", (0, "b"))]
    model = Model()
    with path.open("wb") as file:
        file.write(header())
        for call in calls:
            file.write(line_of(call, model))
            model.take(call)
    assert reopened(path) == model.seen()


def test_what_a_killed_process_told_is_there(path: Path) -> None:
    """It is killed at any time, again and again, and each process goes on with the work."""
    chance = random.Random(1)  # noqa: S311 - for no secret
    told = 0
    model = Model()
    calls = endless()
    for _ in range(8):
        with start("write", str(path), str(told)) as process:
            assert process.stdout is not None
            for line in itertools.islice(process.stdout, chance.randrange(1, 150)):
                reported = json.loads(line)
            process.kill()  # within whatever it does
            for line in process.stdout:
                if line.endswith("\n"):
                    reported = json.loads(line)
        assert process.returncode == -signal.SIGKILL
        for call in itertools.islice(calls, reported - told):
            model.take(call)
        told = reported
        found = reopened(path)
        if found != model.seen():  # it was killed before it could say so
            model.take(next(calls))
            told += 1
        assert found == model.seen()
    assert told > 50


def test_a_killed_process_leaves_no_lock(path: Path) -> None:
    with start("hold", str(path)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == '"held"\n'
        with pytest.raises(ConfigError, match="in use"):
            Manifest(path, API)
        process.kill()
        process.wait()
        assert reopened(path) == Model().seen()


LINES = [
    b"\n",
    b"{}\n",
    b"[]\n",
    b"null\n",
    b"\x00\x00\x00\n",
    b'{"chunk": 0}\n',
    b'{"chunk": 0, "sess\n',
    b'{"chunk": 0, "session_id": "\xff"}\n',
    b'{"chunk": 0, "session_id": "a", "batch_id": "b"}\n',
    b'{"chunk": 0, "session_id": "a", "at": 1}\n',
    b'{"chunk": 0.5, "session_id": "a"}\n',
    b'{"chunk": "0", "session_id": "a"}\n',
    b'{"chunk": -1, "session_id": "a"}\n',
    b'{"chunk": 7, "session_id": "a"}\n',
    b'{"chunk": 0, "batch_id": "b"}\n',
    b'{"chunk": 0, "outcomes": [[null, null, null, null]]}\n',
    b'{"chunk": 0, "not_submitted": "no", "refused": {"x": "y"}}\n',
    b'{"chunk": 0, "not_submitted": "no", "refused": {"1": "y"}}\n',
    b'{"chunk": 2, "first": 1, "count": 1, "digest": "' + b"0" * 64 + b'", "at": 0}\n',
    b'{"chunk": 1, "first": 2, "count": 1, "digest": "' + b"0" * 64 + b'", "at": 0}\n',
    b'{"chunk": 1, "first": 1, "count": 1, "digest": "", "at": 0}\n',
    b'{"chunk": 0, "first": 0, "count": 1, "digest": "' + b"0" * 64 + b'", "at": 0}\n',
    b'{"note": {}}\n',
    b'{"note": 1}\n',
    b'{"note": {"a": ' + b"[" * 100_000 + b"\n",
    header(),
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[:40])
@pytest.mark.parametrize(
    "rest", [b"", b'{"note": {"a": 1}}\n', b'{"note'], ids=["last", "", "torn"]
)
def test_a_damaged_line_is_an_error_and_never_skipped(line: bytes, rest: bytes, path: Path) -> None:
    with Manifest(path, API) as manifest:
        manifest.plan(0, 1, digest(0), 0.0)
    damaged = path.read_bytes() + line + rest
    path.write_bytes(damaged)
    for _ in range(2):  # the first failure leaves no lock
        with pytest.raises(ConfigError, match=r"manifest that can be used: line 3: \S") as caught:
            Manifest(path, API)
        assert str(path) in str(caught.value)
    assert path.read_bytes() == damaged


def test_another_chunk_planned_with_other_records_is_an_error(path: Path) -> None:
    with Manifest(path, API) as manifest:
        manifest.plan(0, 2, digest(0), 0.0)
        manifest.not_submitted(0, "no", {})
    good = path.read_bytes()
    for changes in ({"first": 1}, {"count": 1}):
        event = {"chunk": 0, "first": 0, "count": 2, "digest": digest(0), "at": 0.0} | changes
        path.write_bytes(good + json.dumps(event).encode() + b"\n")
        with pytest.raises(ConfigError, match=r"line 4: .*other records"):
            Manifest(path, API)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (header(prov_api="https://other.example.org"), f"'https://other.example.org'.*{API!r}"),
        (json.dumps({"prov-facade-manifest": 1}).encode() + b"\n", f"None.*{API!r}"),
        (header(**{"prov-facade-manifest": 2}), "newer.* 2.* 1"),
        (header(**{"prov-facade-manifest": 2}, more=1), "newer.* 2.* 1"),
        (header(**{"prov-facade-manifest": 0}), "does not start"),
        (header(**{"prov-facade-manifest": True}), "does not start"),
        (header(**{"prov-facade-manifest": 1.0}), "does not start"),
        (header(**{"prov-facade-manifest": "1"}), "does not start"),
        (b'{"note": {"a": 1}}\n', "does not start"),
        (b"[1]\n", "does not start"),
        (b"a,b\n1,2\n", r"\S"),
        (b'[{"a": 1}]', "does not start"),
        (b'{"a": 1}', "does not start"),
        (b"a,b", r"\S"),
        (b"\xff", r"\S"),
        (b"\n", r"\S"),
        (b"[" * 100_000 + b"\n", r"\S"),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else "",
)
def test_a_file_of_something_else_is_refused_and_kept(
    content: bytes, reason: str, path: Path
) -> None:
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"manifest that can be used: line 1: .*{reason}"):
        Manifest(path, API)
    assert path.read_bytes() == content
