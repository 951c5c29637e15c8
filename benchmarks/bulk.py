"""The speed and memory use of registering many model runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial

from benchmarks.measure import OURS, Bench, Side, measured, profile, server
from benchmarks.table import Row, growth_cells

COUNT, QUICK = 200_000, 5_000
BOUND = 20_000_000
KINDS = {"async": "ProvClient", "sync": "SyncProvClient"}


def side(kind: str, count: int) -> Side:
    return Side(OURS, f"facade_bulk:register_{kind}", arguments=(str(count),))


PROFILES = {f"bulk-{kind}": partial(profile, side(kind, 4 * QUICK), "memory", 1) for kind in KINDS}


def rows(bench: Bench) -> Iterator[Row]:
    if sys.platform != "linux":  # resident memory is read from /proc
        yield Row("bulk", "memory", ours="measured on Linux only")
        return
    count = QUICK if bench.quick else COUNT
    for kind, client in KINDS.items():
        with server() as url:
            figures = measured(url, side(kind, count))
        speed = f"{count / figures['seconds']:,.0f}/s ({count / figures['cpu']:,.0f}/s of CPU)"
        yield Row(
            f"bulk-{kind}",
            f"register {count:,} records, {client}",
            **growth_cells(speed, figures["growth"], BOUND),
        )
