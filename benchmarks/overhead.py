"""A read and a write over an open connection, compared with bare httpx and other clients."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.measure import OURS, Figure, Side, compare, profiles

KINDS = {"async": ("asynchronous", 1.0), "sync": ("synchronous", 1.1)}
PEERS = {
    "read-async": ("stock", "provenaclient"),
    "write-async": ("stock", "provenaclient"),
    "read-sync": ("stock",),  # provenaclient is asynchronous only
    "write-sync": ("stock",),
}


def _figures() -> Iterator[Figure]:
    for kind, (word, target) in KINDS.items():
        for call in ("read", "write"):
            name, function = f"{call}-{kind}", f"{call}_{kind}"
            httpx = Side("httpx", f"bare_httpx:{function}", "httpx")
            ours = Side(OURS, f"facade:{function}", arguments=("token",))
            peers = (Side(peer, f"{peer}:{function}", peer) for peer in PEERS[name])
            yield Figure(name, f"one {call}, {word}", ours, (httpx, *peers), {"httpx": target})
            ours = Side(OURS, f"facade:{function}", arguments=("callable",))
            yield Figure(
                f"{name}-callable",
                f"one {call}, {word}, callable token",
                ours,
                (httpx,),
                {"httpx": 1.2},
            )


FIGURES = tuple(_figures())
PROFILES = profiles(FIGURES)
rows = partial(compare, FIGURES)
