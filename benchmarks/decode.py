"""Decoding five thousand records from a response, compared with parsers and other clients."""

from __future__ import annotations

from functools import partial

from benchmarks.measure import OURS, Figure, Side, compare, profiles
from benchmarks.sides.data import RECORDS

PEERS = {
    "orjson, untyped": ("parsers:parse_orjson", "orjson"),
    "json, untyped": ("parsers:parse_json", "httpx"),
    "stock": ("stock:decode", "stock"),
    "provenaclient (pydantic)": ("provenaclient:decode", "provenaclient"),
}
SIZES = {"small": "required fields only", "full": "every field"}
FIGURES = tuple(
    Figure(
        f"decode-{size}",
        f"decode {RECORDS:,} records, {words}",
        Side(OURS, "facade:decode", arguments=(size,)),
        tuple(Side(peer, function, where, (size,)) for peer, (function, where) in PEERS.items()),
        {},
        calls=10,
    )
    for size, words in SIZES.items()
)
PROFILES = profiles(FIGURES)
rows = partial(compare, FIGURES)
