"""The time to open a manifest of 10,000 finished chunks of 100 records."""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

from prov_facade._registration.manifest import ChunkState, Manifest

API = "https://prov-api.example.org"
CHUNKS = 10_000
RECORDS = 100


def write(path: Path) -> None:
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
                for n in range(CHUNKS)
            ),
        )
        connection.executemany(
            "INSERT INTO outcomes VALUES (?, ?, ?, NULL, NULL)",
            ((n, f"{n:036}", f"10378.1/{n:07}") for n in range(CHUNKS * RECORDS)),
        )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "manifest"
        write(path)
        opening, reading = [], []
        for _ in range(5):
            begun = time.perf_counter()
            with Manifest(path, API) as manifest:
                opening.append(time.perf_counter() - begun)
                begun = time.perf_counter()
                assert len(manifest.outcomes(CHUNKS - 1)) == RECORDS
                reading.append(time.perf_counter() - begun)
        print(
            f"a manifest of {CHUNKS:,} finished chunks of {RECORDS} records"
            f" ({path.stat().st_size / 1e6:.0f} MB): opened in {statistics.median(opening):.2f} s,"
            f" the outcomes of a chunk read in {statistics.median(reading) * 1000:.1f} ms"
        )


if __name__ == "__main__":
    main()
