"""The duration of opening the manifest of a large registration that has finished."""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measure import Bench
from benchmarks.table import Row, duration
from prov_facade._registration.manifest import ChunkState, Manifest

API = "https://prov-api.example.org"
CHUNKS, QUICK = 10_000, 1_000
RECORDS = 100
ROUNDS = 5
PROFILES: dict[str, Callable[[], str]] = {}  # no figure has a target


def digest(number: int) -> bytes:
    return hashlib.sha256(f"{number}".encode()).digest()


def write(path: Path, chunks: int) -> None:
    """Write the manifest in one transaction, without waiting for the disk."""
    with Manifest(path, API) as manifest:
        manifest._connection.execute("PRAGMA synchronous = OFF")
        with manifest._transaction():
            manifest._connection.executemany(
                "INSERT INTO chunks (number, first, count, planned_at, state)"
                " VALUES (?, ?, ?, 1.5, ?)",
                ((n, n * RECORDS, RECORDS, ChunkState.DONE) for n in range(chunks)),
            )
            manifest._connection.executemany(
                "INSERT INTO records VALUES (?, ?, ?, ?, ?, NULL, NULL)",
                (
                    (n, digest(n), digest(-n), f"{n:036}", f"10378.1/{n:07}")
                    for n in range(chunks * RECORDS)
                ),
            )
            manifest._connection.executemany(
                "INSERT INTO submissions VALUES (?, ?, ?)",
                ((f"{n:036}", n, f"{n:036}") for n in range(chunks)),
            )
            for number in range(chunks):
                manifest._sealed(number)


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
                chunk = manifest.chunk((chunks - 1) * RECORDS)
                reading.append(time.perf_counter() - begun)
                assert chunk is not None
                assert chunk.count == RECORDS
        size = f"{path.stat().st_size / 1e6:.0f} MB"
    where = f"manifest, {chunks * RECORDS:,} records"
    yield Row("manifest", f"{where}: open", ours=f"{duration(statistics.median(opening))}, {size}")
    yield Row(
        "manifest", f"{where}: read a chunk of {RECORDS}", ours=duration(statistics.median(reading))
    )
