"""The duration of imports in a new process, compared with httpx in the same environment.

The environment must be the same, since httpx imports more if click and rich are installed.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from benchmarks.environments import ROOT
from benchmarks.measure import Bench, Ratio
from benchmarks.table import Row, duration

BOUND = 0.060
STATEMENTS = {
    "import": "import prov_facade",
    "import-async": "from prov_facade import ProvClient",
    "import-sync": "from prov_facade import SyncProvClient",
}
LINES = 25


def seconds(statement: str) -> float:
    code = f"from time import perf_counter as t; b = t(); {statement}; print(t() - b)"
    return float(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT))


def profile(statement: str) -> str:
    """Return the slowest modules, including their own imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", statement],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        check=True,
    )
    head, *lines = done.stderr.splitlines()
    return "\n".join([head, *sorted(lines, key=_cumulative, reverse=True)[:LINES]])


def _cumulative(line: str) -> int:
    return int(line.split("|")[1])


PROFILES = {name: partial(profile, statement) for name, statement in STATEMENTS.items()}


def rows(bench: Bench) -> Iterator[Row]:
    sides = {"httpx": "import httpx", **STATEMENTS}
    for statement in sides.values():
        seconds(statement)  # compiles the files, and fills the cache of the file system
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for _ in range(bench.rounds):
        for name, statement in sides.items():
            taken[name].append({"seconds": seconds(statement)})
    medians = {name: statistics.median(it["seconds"] for it in taken[name]) for name in sides}
    for name, statement in STATEMENTS.items():
        more = medians[name] - medians["httpx"]
        bound = name == "import"
        yield Row(
            name,
            statement,
            ours=f"{duration(medians[name])} (httpx {more * 1000:+.0f} ms)",
            peer=f"httpx {duration(medians['httpx'])}",
            ratio=str(Ratio.of(taken[name], taken["httpx"])),
            target="≤ httpx + 60 ms" if bound else "",
            met=more <= BOUND if bound else None,
        )
