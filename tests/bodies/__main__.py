"""``python -m bodies`` runs more trials than the tests, for every operation."""

from __future__ import annotations

import argparse
import random
import sys

from bodies.trial import OPERATIONS, trials


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bodies")
    parser.add_argument("--count", type=int, default=100_000, help="bodies per operation")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))  # noqa: S311
    options = parser.parse_args()
    failures = 0
    for operation_id in OPERATIONS:
        for text in trials(operation_id, options.count, options.seed):
            failures += 1
            print(operation_id, text)
    print(
        f"{len(OPERATIONS)} operations, {options.count} bodies each, seed {options.seed}:"
        f" {failures} failures"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
