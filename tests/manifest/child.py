"""What other processes do with manifests; each prints JSON."""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from manifest.telling import API, Call, digest, outcomes, tell

from prov_facade import FileError, ProvError
from prov_facade._registration.manifest import Manifest

SIZE = 5


def endless() -> Iterator[Call]:
    """What a registration tells that goes on for ever: the same whenever it is asked."""
    for number in itertools.count():
        yield "plan", (number * SIZE, SIZE, digest(number), number + 0.5)
        if number % 3 == 0:
            refused = {number * SIZE: "no"} if number % 2 else {}
            yield "not_submitted", (number, "422", refused)
            yield "plan_again", (number, digest(-number), number + 0.75)
        yield "submitted", (number, f"job {number}")
        yield "note", ("last", number)
        yield "batch", (number, f"batch {number}")
        yield "done", (number, outcomes(SIZE))


def say(what: object) -> None:
    print(json.dumps(what), flush=True)


def failure_of(path: str | Path) -> None:
    """Open a manifest and say what is wrong with that."""
    try:
        with Manifest(path, API):
            say(None)
    except ProvError as error:
        say([type(error).__name__, getattr(error, "errno", None), str(error)])


def write(path: str, told: str) -> None:
    """Tell the rest, and after each call that it has returned."""
    with Manifest(path, API) as manifest:
        for number, call in itertools.islice(enumerate(endless()), int(told), None):
            tell(manifest, call)
            say(number + 1)


def hold(path: str) -> None:
    with Manifest(path, API):
        say("held")
        sys.stdin.read()


def try_to_open(path: str) -> None:
    failure_of(path)


def fill(path: str, room: str) -> None:
    """Tell more than there is room for, and then, when there is room again, something else."""
    import resource  # noqa: PLC0415 - not on every system

    with Manifest(path, API) as manifest:
        manifest.plan(0, 50, digest(0), 0.0)
        manifest.submitted(0, "job 0")
        before = Path(path).stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (before + int(room), resource.RLIM_INFINITY))
        try:
            manifest.done(0, outcomes(50))
        except FileError as error:
            say([error.errno, error.filename, str(error), Path(path).stat().st_size - before])
        else:
            say(None)
        say(manifest.chunks[0].state.value)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        manifest.batch(0, "b")


def stranger(folder: str, *names: str) -> None:
    """Open manifests as a user who has no special rights."""
    with tempfile.TemporaryDirectory() as other:
        failure_of(Path(other) / "first")  # has all be imported while that is allowed
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    for name in names:
        failure_of(Path(folder) / name)


if __name__ == "__main__":
    {function.__name__: function for function in (write, hold, try_to_open, fill, stranger)}[
        sys.argv[1]
    ](*sys.argv[2:])
