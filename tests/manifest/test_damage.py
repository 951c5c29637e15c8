"""Files that are not manifests, or are damaged, are rejected and not changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from manifest.calls import ALL_TRANSITIONS, API, Model, apply, digest, outcomes, reopened

from prov_facade import ConfigError
from prov_facade._registration.manifest import Manifest


@pytest.fixture
def written(path: Path) -> Path:
    """A manifest of several pages."""
    with Manifest(path, API) as manifest:
        for call in ALL_TRANSITIONS:
            apply(manifest, call)
        manifest.submitted(3, "job 3")
        manifest.plan(1000, digest(7), 0.0)
        manifest.submitted(4, "job 4")
        manifest.done(4, outcomes(1000))
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


def test_missing_outcomes_are_an_error(written: Path) -> None:
    with database(written) as connection:
        connection.execute("DELETE FROM outcomes WHERE record = 1")
    with Manifest(written, API) as manifest:
        with pytest.raises(ConfigError, match="outcomes of chunk 0 are missing"):
            manifest.outcomes(0)
        assert len(manifest.outcomes(4)) == 1000


def test_an_empty_file_is_a_new_manifest(path: Path) -> None:
    path.touch()
    assert reopened(path) == Model().state()
