"""The child process of one side: runs calls when the parent asks, and reports how long they took.

``python -m benchmarks.worker MODULE:FUNCTION ARGS...`` reads the number of calls, a line each, from
standard input, and writes a line of JSON for each. ``--profile CALLS`` prints a profile instead.
"""

from __future__ import annotations

import asyncio
import cProfile
import gc
import importlib
import json
import pstats
import sys
import time
from typing import Any


class Measured(dict[str, float]):
    """Figures that a call measured itself; they are handed to the parent."""


class Clock:
    """Measures a round: wall time, and the CPU time of this process."""

    def __init__(self) -> None:
        gc.collect()
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def report(self, result: object) -> None:
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        figures = result if isinstance(result, Measured) else {}
        print(json.dumps({"seconds": wall, "cpu": cpu, **figures}), flush=True)


def profile_report(profile: cProfile.Profile) -> None:
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(25)


async def run_async(side: Any, profiled: int) -> None:
    async with side as call:
        if profiled:
            await call()
            profile = cProfile.Profile()
            with profile:
                for _ in range(profiled):
                    await call()
            profile_report(profile)
            return
        for line in sys.stdin:
            clock = Clock()
            for _ in range(int(line)):
                result = await call()
            clock.report(result)


def run(side: Any, profiled: int) -> None:
    with side as call:
        if profiled:
            call()
            profile = cProfile.Profile()
            with profile:
                for _ in range(profiled):
                    call()
            profile_report(profile)
            return
        for line in sys.stdin:
            clock = Clock()
            for _ in range(int(line)):
                result = call()
            clock.report(result)


def main() -> None:
    arguments = sys.argv[1:]
    profiled = 0
    if arguments[0] == "--profile":
        profiled = int(arguments[1])
        del arguments[:2]
    module, _, function = arguments[0].partition(":")
    side = getattr(importlib.import_module(f"benchmarks.sides.{module}"), function)(*arguments[1:])
    if hasattr(side, "__aenter__"):
        asyncio.run(run_async(side, profiled))
    else:
        run(side, profiled)


if __name__ == "__main__":
    main()
