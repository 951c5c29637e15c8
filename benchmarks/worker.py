"""The child process of one side, which makes calls for its parent and reports the measurements.

``python -m benchmarks.worker KIND MODULE:FUNCTION URL ARGS...`` reads a number of calls from each
line of standard input. The kind determines its output: ``time`` (figures, as a line of JSON),
``cpu`` (a profile) or ``memory`` (where the memory in use was allocated).
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
import tracemalloc
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from benchmarks.sides import Measured

LINES = 25


class Result:
    """The return value of the last call."""

    value: object = None


@contextmanager
def timed() -> Iterator[Result]:
    result = Result()
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    yield result
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    own = result.value if isinstance(result.value, Measured) else {}
    print(json.dumps({"seconds": wall, "cpu": cpu, **own}), flush=True)


@contextmanager
def profiled() -> Iterator[Result]:
    with cProfile.Profile() as profile:
        yield Result()
    stats = pstats.Stats(profile).strip_dirs()
    stats.sort_stats("tottime").print_stats(LINES)
    stats.sort_stats("cumulative").print_stats(LINES)


@contextmanager
def traced() -> Iterator[Result]:
    tracemalloc.start()
    yield Result()
    for line in tracemalloc.take_snapshot().statistics("lineno")[:LINES]:
        frame = line.traceback[0]
        print(f"{line.size / 1e6:8.2f} MB  {Path(frame.filename).name}:{frame.lineno}")


KINDS = {"time": timed, "cpu": profiled, "memory": traced}


def rounds(kind: str) -> Iterator[tuple[int, AbstractContextManager[Result]]]:
    if kind == "cpu":
        yield 1, nullcontext(Result())  # exclude one-time loading from the profile
    for line in sys.stdin:
        yield int(line), KINDS[kind]()


def run(kind: str, side: Any) -> None:
    with side as call:
        for calls, measured in rounds(kind):
            with measured as result:
                for _ in range(calls):
                    result.value = call()


async def run_async(kind: str, side: Any) -> None:
    async with side as call:
        for calls, measured in rounds(kind):
            with measured as result:
                for _ in range(calls):
                    result.value = await call()


def main(kind: str, function: str, *arguments: str) -> None:
    module, _, name = function.partition(":")
    side = getattr(importlib.import_module(f"benchmarks.sides.{module}"), name)(*arguments)
    if hasattr(side, "__aenter__"):
        asyncio.run(run_async(kind, side))
    else:
        run(kind, side)


if __name__ == "__main__":
    main(*sys.argv[1:])
