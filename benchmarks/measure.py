"""Runs sides in turns, each in a process of its own, and compares them."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Side:
    """What is measured: a function of a module of ``benchmarks.sides``, in an environment."""

    name: str
    function: str
    environment: str = "ours"
    arguments: tuple[str, ...] = ()


def start(python: str, *command: str) -> subprocess.Popen[str]:
    environ = dict(os.environ)
    if python != sys.executable:
        environ.pop("PYTHONPATH", None)  # may name our own sources
    return subprocess.Popen(
        [python, "-m", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environ,
    )


@contextmanager
def process(python: str, *command: str) -> Iterator[subprocess.Popen[str]]:
    """A child process, ended at the end."""
    with start(python, *command) as child:
        try:
            yield child
        finally:
            child.kill()


@contextmanager
def server() -> Iterator[str]:
    """Run the server in a process of its own; the URL."""
    with process(sys.executable, "benchmarks.server") as child:
        assert child.stdout is not None
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"


class Worker:
    """A side in its process."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child

    def run(self, calls: int) -> dict[str, float]:
        """Make so many calls; the figures, ``seconds`` among them."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(f"{calls}\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError("a benchmark's process ended; its message is above")
        figures: dict[str, float] = json.loads(line)
        return figures

    def calls_in(self, seconds: float) -> int:
        """Warm up; how many calls take so long."""
        calls = 1
        while (taken := self.run(calls)["seconds"]) < seconds / 4:
            calls *= 2
        return max(1, round(calls * seconds / taken))


def interleaved(
    sides: Sequence[tuple[Side, str]], rounds: int, seconds: float
) -> dict[str, list[dict[str, float]]]:
    """Run sides in turns for about so many seconds a round; the figures a call, for each round.

    Args:
        sides: The sides and their interpreters.
    """
    with ExitStack() as stack:
        workers = {}
        for side, python in sides:
            child = process(python, "benchmarks.worker", side.function, *side.arguments)
            workers[side.name] = Worker(stack.enter_context(child))
        calls = {name: worker.calls_in(seconds) for name, worker in workers.items()}
        taken: dict[str, list[dict[str, float]]] = {name: [] for name in workers}
        for number in range(rounds):
            # There and back, so that no side always follows the same one.
            for name in list(workers)[:: -1 if number % 2 else 1]:
                figures = workers[name].run(calls[name])
                taken[name].append({key: value / calls[name] for key, value in figures.items()})
    return taken


@dataclass(frozen=True)
class Ratio:
    """A ratio of two sides: the median over rounds, and its spread."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(
        cls, ours: list[dict[str, float]], peer: list[dict[str, float]], figure: str = "seconds"
    ) -> Ratio:
        ratios = [one[figure] / other[figure] for one, other in zip(ours, peer, strict=True)]
        return cls(statistics.median(ratios), min(ratios), max(ratios))
