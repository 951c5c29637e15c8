"""The duration of opening the manifest of a large registration that has finished."""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.measure import Bench
from benchmarks.table import Row, duration
from prov_facade._registration.manifest import ChunkState, Manifest

API = "https://prov-api.example.org"
CHUNKS, QUICK = 10_000, 1_000
RECORDS = 100
ROUNDS = 5
PROFILES: dict[str, Callable[[], str]] = {}  # no figure has a target


def write(path: Path, chunks: int) -> None:
    """Write the manifest in one transaction, without waiting for the disk."""
    with Manifest(path, API):
        pass
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executemany(
            "INSERT INTO chunks (number, first, count, digest, planned_at, state, session_id,"
            " batch_id) VALUES (?, ?, ?, ?, 0, ?, ?, ?)",
            (
                (n, n * RECORDS, RECORDS, f"{n:064}", ChunkState.DONE, f"{n:036}", f"{n:036}")
                for n in range(chunks)
            ),
        )
        connection.executemany(
            "INSERT INTO outcomes VALUES (?, ?, ?, NULL, NULL)",
            ((n, f"{n:036}", f"10378.1/{n:07}") for n in range(chunks * RECORDS)),
        )


def rows(bench: Bench) -> Iterator[Row]:
    chunks = QUICK if bench.quick else CHUNKS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "manifest"
        write(path, chunks)
        opening, reading = [], []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            with Manifest(path, API) as manifest:
                opening.append(time.perf_counter() - begun)
                begun = time.perf_counter()
                assert len(manifest.outcomes(chunks - 1)) == RECORDS
                reading.append(time.perf_counter() - begun)
        size = f"{path.stat().st_size / 1e6:.0f} MB"
    where = f"manifest, {chunks * RECORDS:,} records"
    yield Row("manifest", f"{where}: open", ours=f"{duration(statistics.median(opening))}, {size}")
    yield Row(
        "manifest", f"{where}: read a chunk of {RECORDS}", ours=duration(statistics.median(reading))
    )
