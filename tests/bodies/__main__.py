"""``python -m bodies``: more trials than the tests run, for every operation."""

from __future__ import annotations

import argparse
import random
import sys

from bodies.trial import OPERATIONS, trials


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bodies")
    parser.add_argument("--count", type=int, default=100_000, help="how many for each operation")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))  # noqa: S311
    options = parser.parse_args()
    wrong = 0
    for operation_id in OPERATIONS:
        for text in trials(operation_id, options.count, options.seed):
            wrong += 1
            print(operation_id, text)
    print(
        f"{len(OPERATIONS)} operations, {options.count} bodies each, seed {options.seed}:"
        f" {wrong} went wrong"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
