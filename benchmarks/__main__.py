"""Runs the benchmarks: ``python -m benchmarks overhead --quick``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import bulk, decode, fanout, imports, manifest, memory, overhead, sandbox
from benchmarks.environments import ROOT, Environments
from benchmarks.measure import Bench
from benchmarks.report import page
from benchmarks.table import HEADINGS, line

GROUPS = {
    "overhead": overhead,
    "fanout": fanout,
    "decode": decode,
    "imports": imports,
    "bulk": bulk,
    "manifest": manifest,
    "memory": memory,
    "sandbox": sandbox,
}
PROFILES = {name: show for group in GROUPS.values() for name, show in group.PROFILES.items()}
PAGE = ROOT / "docs" / "performance.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "groups",
        nargs="*",
        metavar="GROUP",
        help=f"{', '.join(GROUPS)}; all by default, which also writes docs/performance.md",
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller sizes")
    parser.add_argument("--rounds", type=int, metavar="N", help="21 by default, 5 with --quick")
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        metavar="FIGURE",
        help=f"print a profile of a figure: {', '.join(PROFILES)}",
    )
    parser.add_argument(
        "--environments",
        type=Path,
        metavar="FOLDER",
        default=Path(tempfile.gettempdir()) / "prov-facade-benchmarks",
        help="where the environments of the peers are kept",
    )
    options = parser.parse_args()
    if options.profile:
        print(PROFILES[options.profile]())
        return
    if unknown := set(options.groups) - set(GROUPS):
        parser.error(f"unknown group: {', '.join(unknown)}")
    rounds = options.rounds or (5 if options.quick else 21)
    bench = Bench(rounds, options.quick, Environments(options.environments.resolve()))
    print(line(HEADINGS), flush=True)
    rows = []
    for name in options.groups or GROUPS:
        for row in GROUPS[name].rows(bench):
            print(line(row.cells), flush=True)
            rows.append(row)
    if not options.groups:
        PAGE.write_text(page(bench, rows, list(GROUPS), PROFILES), encoding="utf-8")
    if missed := [row.figure for row in rows if row.required and not row.met]:
        sys.exit(f"too much memory: {'; '.join(missed)}")


if __name__ == "__main__":
    main()
