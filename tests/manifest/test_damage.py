"""Files that are not manifests, or are damaged, are rejected and not changed."""

from __future__ import annotations

import itertools
import random
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from manifest.calls import (
    ALL_TRANSITIONS,
    API,
    Model,
    apply,
    endless_calls,
    outcomes,
    records,
    reopened,
)

from prov_facade import ConfigError, FileError
from prov_facade._registration.manifest import ChunkState, Manifest


@pytest.fixture
def written(path: Path) -> Path:
    """A manifest of several pages."""
    with Manifest(path, API) as manifest:
        for call in ALL_TRANSITIONS:
            apply(manifest, call)
        large = manifest.plan(records(1000), 0.0).number
        manifest.submitted(large, "large")
        manifest.done(large, outcomes(1000))
    return path


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection, connection:
        yield connection


def assert_rejected(path: Path, reason: str) -> None:
    content = path.read_bytes()
    for _ in range(2):  # the first failure leaves no lock
        with pytest.raises(ConfigError, match=f"not a usable manifest: .*{reason}") as e:
            Manifest(path, API)
        assert repr(str(path)) in str(e.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "content",
    [b"\n", b"x", b"a,b\n1,2\n", b"\xff" * 99, b"x" * 600, b"{}\n" * 5000, b"SQLite format 3\0"],
    ids=lambda content: f"{content[:10]!r}, {len(content)}",
)
def test_a_file_of_another_kind_is_rejected(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    assert_rejected(path, "file is not a database")


def test_the_database_of_another_program_is_rejected(path: Path) -> None:
    with database(path) as connection:
        connection.execute("CREATE TABLE chunks (number)")
    assert_rejected(path, "database of another program")


def test_a_newer_format_is_rejected(written: Path) -> None:
    with database(written) as connection:
        connection.execute("PRAGMA user_version = 2")
    assert_rejected(
        written, "by a newer prov-facade: its format is 2, and this version reads format 1"
    )


def test_a_manifest_of_another_prov_api_is_rejected(written: Path) -> None:
    with database(written) as connection:
        connection.execute("UPDATE deployment SET prov_api = 'https://other.example.org'")
    assert_rejected(written, f"prov-api 'https://other.example.org', not {API!r}")


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("DELETE FROM deployment", "prov-api ''"),
        ("DROP TABLE deployment", "no such table: deployment"),
        ("UPDATE chunks SET count = 0 WHERE number = 1", "CHECK constraint failed in chunks"),
        ("UPDATE chunks SET state = 'lost' WHERE number = 1", "CHECK constraint failed in chunks"),
    ],
)
def test_a_manifest_with_invalid_content_is_rejected(
    statement: str, reason: str, written: Path
) -> None:
    with database(written) as connection:
        connection.execute("PRAGMA ignore_check_constraints = TRUE")
        connection.execute(statement)
    assert_rejected(written, reason)


def test_each_missing_or_overwritten_page_is_detected(written: Path) -> None:
    content = written.read_bytes()
    assert len(content) >= 10 * 4096
    for start in range(0, len(content), 4096):
        if start:
            written.write_bytes(content[:start])
            assert_rejected(written, "malformed")
        for fill in (b"\0", b"\xff"):
            written.write_bytes(content[:start] + fill * 4096 + content[start + 4096 :])
            assert_rejected(written, "")


def test_a_table_that_is_dropped_while_the_manifest_is_open_is_an_error(written: Path) -> None:
    with Manifest(written, API) as manifest:
        with database(written) as connection:
            connection.execute("DROP TABLE chunks")
        with pytest.raises(ConfigError, match="no such table: chunks"):
            manifest.chunk(0)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM records WHERE record = 1",
        "UPDATE records SET record = 999999 WHERE record = 1",
        "UPDATE records SET digest = zeroblob(32) WHERE record = 1",
        "UPDATE records SET identity = NULL WHERE record = 1",
        "UPDATE records SET handle = handle || '0' WHERE record = 0",
        "UPDATE records SET session_id = 'another job' WHERE record = 0",
        "UPDATE records SET error = 'another error' WHERE record = 1",
        "UPDATE records SET error_kind = 'BadRequestError' WHERE record = 1",
        "UPDATE submissions SET batch_id = 'another batch' WHERE chunk = 0",
        "UPDATE submissions SET chunk = 1 WHERE chunk = 0",
        "DELETE FROM submissions WHERE chunk = 0",
        "UPDATE chunks SET count = 2 WHERE number = 0",
        "UPDATE chunks SET planned_at = planned_at + 1 WHERE number = 0",
        "UPDATE chunks SET state = 'submitted' WHERE number = 0",
        "UPDATE chunks SET checksum = NULL WHERE number = 0",
    ],
)
def test_changed_or_missing_values_are_an_error(statement: str, written: Path) -> None:
    with database(written) as connection:
        connection.execute(statement)
    with Manifest(written, API) as manifest:
        for _ in range(2):
            with pytest.raises(ConfigError, match="chunk 0 is damaged") as caught:
                manifest.chunk(0)
        assert repr(str(written)) in str(caught.value)
        with pytest.raises(ConfigError, match="chunk 0 is damaged"):
            list(manifest.chunks(*ChunkState))
        before = written.read_bytes()
        with pytest.raises(ConfigError, match="chunk 0 is damaged"):
            manifest.done(0, outcomes(3))
        assert written.read_bytes() == before
        large = Model(ALL_TRANSITIONS).chunks[-1]["first"] + 1
        assert manifest.chunk(large).count == 1000  # type: ignore[union-attr]


def test_the_ids_of_jobs_and_batches_are_checked_when_the_manifest_is_opened(
    written: Path,
) -> None:
    """They are read without the checksums of their chunks."""
    for value in (b"job 8", b"batch 8"):
        content = written.read_bytes()
        places = [found.start() for found in re.finditer(value, content)]
        assert len(places) == 2  # in the table, and in its index
        for place in places:
            for bit in range(8):
                changed = bytearray(content)
                changed[place] ^= 1 << bit
                written.write_bytes(changed)
                assert_rejected(written, "damaged")
        written.write_bytes(content)
    reopened(written)


@pytest.fixture(scope="module")
def many_chunks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of many chunks of every kind."""
    path = tmp_path_factory.mktemp("flips") / "manifest"
    with Manifest(path, API) as manifest:
        manifest._connection.execute("PRAGMA synchronous = OFF")  # much faster
        for call in itertools.islice(endless_calls(), 300):
            apply(manifest, call)
        for number in range(3):
            first = manifest.plan(records(3, number), 0.0).number
            if number:
                manifest.submitted(first, f"job {first}")
            if number == 2:
                manifest.broken_off(first, {})
    return path


def read_separately(path: Path, firsts: list[int]) -> list[Any]:
    """Return what each method reads, or ``None`` if it notices that the manifest is damaged."""
    found: list[Any] = []

    def read(work: Callable[..., Any], *arguments: Any) -> None:
        try:
            found.append(work(*arguments))
        except (ConfigError, FileError):
            found.append(None)

    with Manifest(path, API) as manifest:
        for first in firsts:
            read(manifest.chunk, first)
        for state in ChunkState:
            read(lambda state: list(manifest.chunks(state)), state)
        read(manifest.session_ids)
        read(manifest.batch_ids)
    return found


@pytest.mark.parametrize(
    ("flips", "seed"), [(60, 1), pytest.param(5000, 2, marks=pytest.mark.stress)]
)
def test_a_flipped_bit_is_noticed_or_changes_nothing(
    flips: int, seed: int, many_chunks: Path, tmp_path: Path
) -> None:
    content = many_chunks.read_bytes()
    state = reopened(many_chunks)
    firsts = [chunk["first"] for chunk in state[0]]
    assert len(firsts) > 30
    before = read_separately(many_chunks, [-1, *firsts])
    rng = random.Random(seed)  # noqa: S311 - not for a secret
    copy = tmp_path / "copy"
    copy.touch(0o600)
    results: Counter[str] = Counter()
    for _ in range(flips):
        bit = rng.randrange(len(content) * 8)
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        copy.write_bytes(changed)
        try:
            found = read_separately(copy, [-1, *firsts])
        except (ConfigError, FileError):
            results["noticed when it was opened"] += 1
            continue
        wrong = [
            (expected, value)
            for expected, value in zip(before, found, strict=True)
            if value not in (expected, None)
        ]
        assert wrong == [], f"bit {bit}"
        if found == before:
            assert reopened(copy) == state
            results["nothing changed"] += 1
        else:
            results["noticed when it was read"] += 1
    assert len(results) == 3, results  # otherwise the test proves nothing


@pytest.mark.parametrize("column", ["session_id", "handle", "error", "error_kind"])
def test_text_that_is_not_text_is_damage(column: str, written: Path) -> None:
    with database(written) as connection:
        connection.execute(f"UPDATE records SET {column} = CAST(x'ff' AS TEXT)")  # noqa: S608
    with Manifest(written, API) as manifest, pytest.raises(ConfigError, match="usable manifest"):
        manifest.chunk(0)


@pytest.mark.parametrize("name", ["planned_at", "digest"])
def test_a_damaged_schema_is_damage(name: str, written: Path) -> None:
    """SQLite's error contains the part that is not text."""
    content = written.read_bytes()
    constraint = f"CHECK ({'typeof' if name == 'planned_at' else 'length'}({name})".encode()
    assert content.count(constraint) == 1
    place = content.index(constraint) + len(constraint) - len(name) - 1
    written.write_bytes(content[:place] + b"\xf2" + content[place + 1 :])
    assert_rejected(written, "")


def test_a_damaged_primary_key_is_damage(written: Path) -> None:
    """SQLite considers the damaged words part of the type, and finds no chunk by its number."""
    content = written.read_bytes()
    assert content.count(b"number INTEGER PRIMARY KEY") == 1
    written.write_bytes(content.replace(b"number INTEGER PRIMARY", b"number INTEGER PRILARY"))
    with Manifest(written, API) as manifest:
        with pytest.raises(ConfigError, match="is not a usable manifest: chunk None is missing"):
            list(manifest.chunks(*ChunkState))
        with pytest.raises(ConfigError, match="is not a usable manifest: chunk None is damaged"):
            manifest.chunk(0)


def test_an_empty_file_is_a_new_manifest(path: Path) -> None:
    path.touch()
    assert reopened(path) == Model().state()
