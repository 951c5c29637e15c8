"""Untyped JSON parsers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.sides.data import fetch


@contextmanager
def parse_json(url: str, size: str) -> Iterator[Callable[[], object]]:
    content = fetch(url, size)
    yield lambda: json.loads(content)


@contextmanager
def parse_orjson(url: str, size: str) -> Iterator[Callable[[], object]]:
    import orjson  # noqa: PLC0415  # only in another environment

    content = fetch(url, size)
    yield lambda: orjson.loads(content)
