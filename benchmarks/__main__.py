"""Print the figures that the project claims: ``python -m benchmarks overhead --quick``."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import overhead
from benchmarks.environments import Environments
from benchmarks.measure import ROOT, server


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", help="overhead; all by default")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--profile", metavar="FIGURE", help="such as read_async or write_sync")
    parser.add_argument(
        "--environments", type=Path, default=Path(tempfile.gettempdir()) / "prov-facade-benchmarks"
    )
    options = parser.parse_args()
    if options.profile:
        with server() as url:
            subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "benchmarks.worker",
                    "--profile",
                    "1000",
                    f"facade:{options.profile}",
                    url,
                    "token",
                ],
                check=True,
                cwd=ROOT,
            )
        return
    rounds = options.rounds or (7 if options.quick else 21)
    environments = Environments(options.environments)
    for row in overhead.rows(environments, rounds, 0.1 if options.quick else 0.25):
        print(row, flush=True)


if __name__ == "__main__":
    main()
