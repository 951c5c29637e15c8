"""A thousand writes at once, over httpx's own transport and over aiohttp's."""

from __future__ import annotations

from functools import partial

from benchmarks.measure import OURS, Figure, Side, compare, profiles
from benchmarks.sides.data import WRITES

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
PROFILES = profiles(FIGURES)
rows = partial(compare, FIGURES)
