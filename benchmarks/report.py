"""Writes the figures to ``docs/performance.md``."""

from __future__ import annotations

import os
import platform
import subprocess
import textwrap
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from benchmarks.measure import Bench
from benchmarks.table import Row, markdown

PACKAGES = (
    *("prov-facade", "attrs", "msgspec", "httpx", "httpcore", "anyio", "sniffio"),
    *("aiohttp", "orjson", "provenaclient", "pydantic", "openapi-python-client"),
)
PROFILE_LINES = 18
TEXT = """\
# Performance

`nox -s benchmarks` writes this page; do not edit it. Measured on {date} in {kind} of {rounds}
rounds, with {python} on a machine with {cores} cores ({system}, {machine}).

To repeat it, run `nox -s benchmarks`; the first run builds the environments of the peers with pip.
Arguments after `--`:

| argument | effect |
| --- | --- |
| `--quick` | fewer rounds and smaller sizes: under two minutes |
| `--rounds N` | the number of rounds |
| {groups} | measures only these groups of figures, and does not change this page |
| `--profile NAME` | prints a profile of the time or memory of a figure |

## How it is measured

- Each side runs in a separate process. Sides alternate, round by round, and each round repeats
  a call for a fraction of a second.
- A ratio is ours divided by the peer's. It is the median over the rounds of one run, with the
  lowest and the highest in parentheses. The CPU ratio compares the CPU time of the two processes.
- Compare ratios, not times: times depend on the machine and its load.
- The server is a bare asyncio protocol on the loopback interface, in a separate process. It
  responds immediately.
- "httpx" is httpx and json in a separate environment, as installed by `pip install httpx`, without
  sniffio. "stock" is what openapi-python-client generates from our document with its own templates.
- A read is `explore_upstream` with a graph of three nodes; a write is `register_model_run` with a
  record of eight fields. The connection is kept open; ours returns validated models.
- Imports are timed in new processes, in one environment.
- Memory is the growth of resident memory: for a registration, after its first tenth; for a
  transfer, at its peak.

## Figures

{table}
{profiles}## Versions

| environment | packages |
| --- | --- |
{versions}"""


def page(
    bench: Bench,
    rows: Sequence[Row],
    groups: Sequence[str],
    profiles: Mapping[str, Callable[[], str]],
) -> str:
    """Return the text of the page, with profiles of the figures that miss their target."""
    missed = dict.fromkeys(row.name for row in rows if row.met is False)
    sections = [f"### `{name}`\n\n```text\n{_short(profiles[name]())}\n```\n\n" for name in missed]
    return TEXT.format(
        date=datetime.now(UTC).date(),
        kind="a quick run" if bench.quick else "a run",
        rounds=bench.rounds,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        cores=os.cpu_count(),
        system=platform.system(),
        machine=platform.machine(),
        groups=", ".join(f"`{name}`" for name in groups),
        table=markdown(rows),
        profiles="".join(["## Profiles of missed targets\n\n" if sections else "", *sections]),
        versions="".join(
            f"| {name} | {_versions(python)} |\n"
            for name, python in sorted(bench.environments.used.items())
        ),
    )


def _short(text: str) -> str:
    lines = [line.rstrip() for line in textwrap.dedent(text).splitlines() if line.strip()]
    return "\n".join(lines[:PROFILE_LINES])


def _versions(python: str) -> str:
    code = "from importlib.metadata import *\nfor d in distributions(): print(d.name, d.version)"
    output = subprocess.check_output([python, "-c", code], text=True)
    found = dict(line.lower().split() for line in output.splitlines())
    return ", ".join(f"{name} {found[name]}" for name in PACKAGES if name in found)
