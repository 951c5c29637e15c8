"""A thousand writes at once, over httpx's own transport and over aiohttp's."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measure import OURS, Bench, Figure, Side, server
from benchmarks.sides.data import WRITES
from benchmarks.table import Row

TARGETS = {"httpx": ("default", 1.0), "aiohttp": ("aiohttp", 2.0)}
FIGURES = tuple(
    Figure(
        f"fanout-{transport}",
        f"{WRITES:,} writes at once, {transport} transport",
        Side(OURS, "facade:fan_out", arguments=(transport,)),
        (Side(peer, f"bare_{peer}:fan_out", peer),),
        {peer: target},
        calls=1,
        share=0.4,
    )
    for peer, (transport, target) in TARGETS.items()
)
PROFILES = {figure.name: figure.profile for figure in FIGURES}


def rows(bench: Bench) -> Iterator[Row]:
    with server() as url:
        for figure in FIGURES:
            yield from figure.rows(bench, url)
