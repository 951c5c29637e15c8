"""The speed and memory use of transferring large files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial

from benchmarks.measure import OURS, Bench, Side, measured, profile, server
from benchmarks.table import Row, duration, growth_cells

SIZE, QUICK = 500_000_000, 50_000_000
BOUND = 30_000_000
METHODS = ("download_report", "save_csv_from_batch", "convert_model_runs_file")
TRANSPORTS = ("default", "aiohttp")
FIGURES = {
    f"memory-{method}-{transport}": (method, transport)
    for transport in TRANSPORTS
    for method in METHODS
}


def side(name: str, size: int) -> Side:
    return Side(OURS, "facade_files:transfer", arguments=(*FIGURES[name], str(size)))


PROFILES = {name: partial(profile, side(name, QUICK), "memory", 1, QUICK) for name in FIGURES}


def rows(bench: Bench) -> Iterator[Row]:
    if sys.platform != "linux":  # resident memory is read from /proc
        yield Row("memory", "memory", ours="measured on Linux only")
        return
    size = QUICK if bench.quick else SIZE
    with server(size) as url:
        for name, (method, transport) in FIGURES.items():
            figures = measured(url, side(name, size))
            speed = (
                f"{size / figures['seconds'] / 1e6:,.0f} MB/s, "
                f"longest pause {duration(figures['pause'])}"
            )
            yield Row(
                name,
                f"{method}, {size / 1e6:.0f} MB, {transport} transport",
                **growth_cells(speed, figures["growth"], BOUND),
            )
