"""Runs Schemathesis against sandboxes for longer than the tests, and prints all statuses."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

from fuzz.runs import Outcome, execute


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=50, help="requests per operation and phase")
    parser.add_argument(
        "--seed", type=int, default=None, help="the random seed; a new one by default"
    )
    arguments = parser.parse_args()
    seed = secrets.randbelow(2**32) if arguments.seed is None else arguments.seed
    options = ["--max-examples", str(arguments.examples), "--seed", str(seed)]
    print(f"{arguments.examples} examples, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        outcomes = execute(options, Path(folder))
        succeeded = [_report(name, outcome) for name, outcome in outcomes.items()]
    if all(succeeded):
        return 0
    print(f"\nTo reproduce: nox -s fuzz -- --examples {arguments.examples} --seed {seed}")
    return 1


def _report(name: str, outcome: Outcome) -> bool:
    """Print the outcome of a run, and return whether it succeeded."""
    succeeded = not (outcome.failed or outcome.never_succeeded or outcome.unfinished_jobs)
    print(f"\n== {name}: {'nothing found' if succeeded else 'FAILED'}\n\n{outcome.counts.table()}")
    if outcome.failed:
        print(f"\n{outcome.output}")
    if outcome.never_succeeded:
        print(f"\nNever responded with a 2xx: {', '.join(outcome.never_succeeded)}")
    for job in outcome.unfinished_jobs:
        print(f"\nDid not finish: {job}")
    return succeeded


if __name__ == "__main__":
    sys.exit(main())
