"""Runs Schemathesis against sandboxes for longer than the tests, and prints the statuses."""

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
    parser.add_argument("--seed", type=int, default=None, help="what the requests follow from")
    given = parser.parse_args()
    seed = secrets.randbelow(2**32) if given.seed is None else given.seed
    options = ["--max-examples", str(given.examples), "--seed", str(seed)]
    print(f"{given.examples} examples, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        outcomes = execute(options, Path(folder))
        good = [_told(name, outcome) for name, outcome in outcomes.items()]
    if all(good):
        return 0
    print(f"\nAgain: nox -s fuzz -- --examples {given.examples} --seed {seed}")
    return 1


def _told(name: str, outcome: Outcome) -> bool:
    """Print the outcome of a run, and return whether it succeeded."""
    good = not (outcome.found or outcome.not_succeeded or outcome.unended)
    print(f"\n== {name}: {'nothing found' if good else 'FAILED'}\n\n{outcome.reached.table()}")
    if outcome.found:
        print(f"\n{outcome.output}")
    if outcome.not_succeeded:
        print(f"\nNever responded with a 2xx: {', '.join(outcome.not_succeeded)}")
    for job in outcome.unended:
        print(f"\nDid not end: {job}")
    return good


if __name__ == "__main__":
    sys.exit(main())
