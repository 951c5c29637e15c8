"""Decoding five thousand records from a response, compared with parsers and other clients."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measure import OURS, Bench, Figure, Side, server
from benchmarks.sides.data import RECORDS
from benchmarks.table import Row

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
PROFILES = {figure.name: figure.profile for figure in FIGURES}


def rows(bench: Bench) -> Iterator[Row]:
    with server() as url:
        for figure in FIGURES:
            yield from figure.rows(bench, url)
