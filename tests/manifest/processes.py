"""Functions that child processes run on manifests; each sends its results through a pipe."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from manifest.calls import API, apply, endless_calls, outcomes, records

from prov_facade import FileError, ProvError
from prov_facade._registration.manifest import Manifest

# Each child is forked from a process without threads that has already loaded slow modules.
_PROCESSES = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
if sys.platform != "win32":
    _PROCESSES.set_forkserver_preload(["prov_facade", "prov_facade.sandbox", "pytest", "sqlite3"])

# The user and the group without privileges.
UNPRIVILEGED = 65534


@contextmanager
def started(work: Callable[..., None], *arguments: Any) -> Iterator[tuple[BaseProcess, Connection]]:
    """Start a process, and kill it on leaving the context."""
    ours, theirs = _PROCESSES.Pipe()
    process = _PROCESSES.Process(target=work, args=(theirs, *arguments), daemon=True)  # type: ignore[attr-defined]
    process.start()
    theirs.close()
    try:
        yield process, ours
    finally:
        process.kill()
        process.join()
        ours.close()


def receive_all(pipe: Connection) -> list[Any]:
    """Return everything that a process sends until it ends."""
    found = []
    with suppress(EOFError):
        while True:
            assert pipe.poll(60), "the process hangs"
            found.append(pipe.recv())
    return found


def run(work: Callable[..., None], *arguments: Any) -> list[Any]:
    """Run a process to its end, and return what it sends."""
    with started(work, *arguments) as (process, pipe):
        found = receive_all(pipe)
        process.join()
        assert process.exitcode == 0
        return found


def error_of(path: Path) -> list[Any] | None:
    """Open a manifest, and return the error, if any."""
    try:
        with Manifest(path, API):
            return None
    except ProvError as error:
        return [type(error).__name__, getattr(error, "errno", None), str(error)]


def write(pipe: Connection, path: Path, done: int, limit: int | None = None) -> None:
    """Make the remaining calls, and send the number of completed calls after each.

    Args:
        pipe: The pipe to send it to.
        path: The manifest.
        done: The number of calls that were made before.
        limit: The file size, in bytes, at which the system kills the process.
    """
    if limit is not None:
        import resource  # noqa: PLC0415 - not on every system

        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    with Manifest(path, API) as manifest:
        for number, call in itertools.islice(enumerate(endless_calls()), done, None):
            apply(manifest, call)
            pipe.send(number + 1)


def hold(pipe: Connection, path: Path) -> None:
    """Keep a manifest open until the other end sends something."""
    with Manifest(path, API):
        pipe.send("open")
        pipe.recv()


def try_to_open(pipe: Connection, path: Path) -> None:
    pipe.send(error_of(path))


def fill(pipe: Connection, path: Path, room: int) -> None:
    """Write more than fits on the disk, and write again once space is available."""
    import resource  # noqa: PLC0415 - not on every system

    with Manifest(path, API) as manifest:
        manifest.plan(records(2000), 0.0)
        manifest.submitted(0, "job 0")
        limit = path.stat().st_size + room
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            manifest.done(0, outcomes(2000))
        except FileError as error:
            pipe.send([error.errno, error.filename, str(error)])
        else:
            pipe.send(None)
        pipe.send(manifest.chunk(0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        manifest.batch(0, "b")


def open_without_privileges(pipe: Connection, paths: list[Path]) -> None:
    """Open manifests as an unprivileged user."""
    import sqlite3  # noqa: F401, PLC0415 - before its files become unreadable

    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(UNPRIVILEGED)
        os.setuid(UNPRIVILEGED)
    for path in paths:
        pipe.send(error_of(path))


def fork_while_writing(pipe: Connection, path: Path, forks: int) -> None:
    """Fork while another thread writes; each child tries to use the manifest, and exits."""
    with Manifest(path, API) as manifest:
        calls, made, stop = endless_calls(), itertools.count(), threading.Event()

        def write_calls() -> None:
            while not stop.is_set():
                apply(manifest, next(calls))
                next(made)

        thread = threading.Thread(target=write_calls)
        thread.start()
        statuses = []
        for _ in range(forks):
            child = os.fork()
            if child == 0:
                try:
                    manifest.chunk(0)
                except ProvError as error:
                    manifest.close()
                    manifest._connection.close()  # as the garbage collector does
                    os._exit(0 if "before a fork" in str(error) else 1)
                os._exit(2)
            statuses.append(os.waitpid(child, 0)[1])
        stop.set()
        thread.join()
        pipe.send([statuses, next(made), error_of(path)])
