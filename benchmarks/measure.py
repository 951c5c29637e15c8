"""Runs sides alternately, each in a separate process, and compares them."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.environments import ROOT, Environments, UnavailableError
from benchmarks.table import Row, duration

Rounds = list[dict[str, float]]
"""The figures of each round, for one call."""


@dataclass(frozen=True)
class Bench:
    """The settings of a run.

    Attributes:
        rounds: The number of rounds of short calls; long calls have fewer.
        quick: Whether to use small sizes.
        environments: The environments of the peers.
    """

    rounds: int
    quick: bool
    environments: Environments


@dataclass(frozen=True)
class Side:
    """A function to measure: its module in ``benchmarks.sides``, its name and its environment.

    The function takes the URL of the server and the arguments, and returns a context manager, which
    yields the call to measure.
    """

    name: str
    function: str
    environment: str = "ours"
    arguments: tuple[str, ...] = ()


OURS = "prov-facade"


@dataclass(frozen=True)
class Figure:
    """A comparison of a side of ours with its peers.

    Attributes:
        name: Its name on the command line.
        title: Its name in the table.
        ours: Our side.
        peers: The other sides.
        targets: The highest allowed ratios, by peer.
        calls: The number of calls to profile.
        share: The fraction of the rounds to run; below 1 for slow calls.
    """

    name: str
    title: str
    ours: Side
    peers: tuple[Side, ...]
    targets: Mapping[str, float]
    calls: int = 300
    share: float = 1.0

    def rows(self, bench: Bench, url: str) -> Iterator[Row]:
        """Measure the figure, and yield a row for each peer."""
        available, missing = [self.ours], []
        for peer in self.peers:
            try:
                bench.environments.python(peer.environment)
                available.append(peer)
            except UnavailableError as error:
                missing.append(Row(self.name, self.title, peer=f"{peer.name}: {error}"))
        rounds = max(3, round(bench.rounds * self.share))
        taken = interleaved(bench, url, available, rounds)
        ours = taken[self.ours.name]
        for peer in available[1:]:
            theirs = taken[peer.name]
            ratio, cpu = Ratio.of(ours, theirs), Ratio.of(ours, theirs, "cpu")
            target = self.targets.get(peer.name)
            yield Row(
                self.name,
                self.title,
                ours=duration(median(ours)),
                peer=f"{peer.name} {duration(median(theirs))}",
                ratio=str(ratio),
                cpu=f"{cpu.median:.2f} x",
                target="" if target is None else f"≤ {target:.1f} x",
                met=None if target is None else ratio.median <= target,
            )
        yield from missing

    def profile(self) -> str:
        return profile(self.ours, "cpu", self.calls)


def compare(figures: Sequence[Figure], bench: Bench) -> Iterator[Row]:
    """Measure figures, one after another, against one server."""
    with server() as url:
        for figure in figures:
            yield from figure.rows(bench, url)


def profiles(figures: Sequence[Figure]) -> dict[str, Callable[[], str]]:
    """Return the function that profiles each figure, by its name."""
    return {figure.name: figure.profile for figure in figures}


@dataclass(frozen=True)
class Ratio:
    """A ratio of two sides: its median over the rounds, and its spread."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, ours: Rounds, peer: Rounds, figure: str = "seconds") -> Ratio:
        ratios = [one[figure] / other[figure] for one, other in zip(ours, peer, strict=True)]
        return cls(statistics.median(ratios), min(ratios), max(ratios))

    def __str__(self) -> str:
        return f"{self.median:.2f} x ({self.lowest:.2f}-{self.highest:.2f})"


def median(rounds: Rounds) -> float:
    return statistics.median(figures["seconds"] for figures in rounds)


@contextmanager
def process(python: str, *command: str) -> Iterator[subprocess.Popen[str]]:
    """Run a child process, and kill it at the end."""
    environ = dict(os.environ)
    if python != sys.executable:  # other environments must not import our sources
        environ.pop("PYTHONPATH", None)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [python, "-m", *command], stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=environ
    ) as child:
        try:
            yield child
        finally:
            child.kill()


@contextmanager
def server(size: int = 0) -> Iterator[str]:
    """Run the server in a separate process, with files of ``size`` bytes, and yield its URL."""
    with process(sys.executable, "benchmarks.server", str(size)) as child:
        assert child.stdout is not None
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"


class Worker:
    """A side in a child process."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child

    def run(self, calls: int = 1) -> dict[str, float]:
        """Make a number of calls, and return their figures, such as ``seconds`` and ``cpu``."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(f"{calls}\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError("a worker process ended; see its output above")
        figures: dict[str, float] = json.loads(line)
        return figures

    def calls_in(self, seconds: float) -> int:
        """Warm up, and return the number of calls that fit into a time."""
        self.run(5)  # the first call loads certificates and opens a connection
        calls = 1
        while (taken := self.run(calls)["seconds"]) < seconds / 4:
            calls *= 2
        return max(1, round(calls * seconds / taken))


def measured(url: str, side: Side) -> dict[str, float]:
    """Make a single call of one of our sides, and return its figures."""
    with worker(sys.executable, url, side) as one:
        return one.run()


@contextmanager
def worker(python: str, url: str, side: Side) -> Iterator[Worker]:
    command = ("benchmarks.worker", "time", side.function, url, *side.arguments)
    with process(python, *command) as child:
        yield Worker(child)


def interleaved(bench: Bench, url: str, sides: Sequence[Side], rounds: int) -> dict[str, Rounds]:
    """Run the sides alternately, with as many calls per round as fit into a short time."""
    with ExitStack() as stack:
        workers = {}
        for side in sides:
            python = bench.environments.python(side.environment)
            workers[side.name] = stack.enter_context(worker(python, url, side))
        seconds = 0.1 if bench.quick else 0.25
        calls = {name: it.calls_in(seconds) for name, it in workers.items()}
        taken: dict[str, Rounds] = {name: [] for name in workers}
        for number in range(rounds):
            # Forwards and backwards, so that no side always follows the same one.
            for name in list(workers)[:: -1 if number % 2 else 1]:
                figures = workers[name].run(calls[name])
                taken[name].append({key: value / calls[name] for key, value in figures.items()})
    return taken


def profile(side: Side, kind: str, calls: int, size: int = 0) -> str:
    """Profile the time (``cpu``) or the memory (``memory``) of a number of calls."""
    with server(size) as url:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.worker", kind, side.function, url, *side.arguments],
            input=f"{calls}\n",
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            check=True,
        )
    return done.stdout.strip("\n")
