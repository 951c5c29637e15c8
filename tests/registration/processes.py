"""Interrupts registrations, and kills the processes that make them."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self

from attrs import field, frozen
from registration.registrar import Kind, Registrar, records
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prov_facade import BearerToken, Config
from prov_facade._registration.manifest import Manifest
from prov_facade.sandbox import Sandbox

REGISTER = "/model_run/register_batch"

# Each child is forked from a process without threads that has already loaded slow modules.
_PROCESSES = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
if sys.platform != "win32":
    _PROCESSES.set_forkserver_preload(["prov_facade", "prov_facade.sandbox", "pytest"])


@frozen
class Work:
    """The work of a child.

    Attributes:
        kind: Which client it uses.
        config: The deployment.
        token: The token of the user.
        count: How many records there are.
        first: The number of the first one.
        manifest: The manifest.
        results: The file for its results, which it writes at the end.
        options: The options of ``register_many``.
        kill_at_event: The event at which it kills itself; 0 for none.
        csv: The file to register instead of records.
    """

    kind: Kind
    config: Config
    token: str
    count: int
    manifest: Path
    results: Path
    first: int = 0
    options: dict[str, Any] = field(factory=dict)
    kill_at_event: int = 0
    csv: Path | None = None

    @classmethod
    def of(cls, sandbox: Sandbox, kind: Kind, count: int, folder: Path, **more: Any) -> Self:
        """Create work for a sandbox, with files in a folder."""
        token = sandbox.token("read", "write")
        return cls(
            kind, sandbox.config, token, count, folder / "manifest", folder / "results", **more
        )

    def start(self) -> BaseProcess:
        """Start a process that does the work."""
        process: BaseProcess = _PROCESSES.Process(  # type: ignore[attr-defined]
            target=_run_work, args=(self,), daemon=True
        )
        process.start()
        return process

    def read_results(self) -> list[dict[str, Any]]:
        """Read the results that the child has written."""
        lines = self.results.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


def _run_work(work: Work) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    client: dict[str, Any] = {}
    if work.kill_at_event:
        client["event_hooks"] = _kill_at(work.kill_at_event, work.kind)
    registrar = Registrar(work.kind, work.config, BearerToken(work.token), client=client)
    if work.csv is not None:
        registrar.csv(work.csv, **work.options)
        return
    run = registrar.many(records(work.count, work.first), work.manifest, **work.options)
    if run.error is not None:
        raise run.error
    lines = [
        json.dumps(
            {
                "index": one.index,
                "name": one.record["display_name"],
                "handle": one.handle,
                "error": None if one.error is None else str(one.error),
                "resumed": one.resumed,
            }
        )
        for one in run.results
    ]
    work.results.write_text("\n".join(lines), encoding="utf-8")


_transaction = Manifest._transaction


def _with_events(event: Callable[[], None]) -> Any:
    """Return a replacement for `Manifest._transaction` that reports events.

    Events occur before and after each commit of a change.
    """

    @contextmanager
    def transaction(manifest: Manifest) -> Iterator[Any]:
        before = manifest._connection.total_changes
        with _transaction(manifest) as execute:
            yield execute
            if changed := manifest._connection.total_changes != before:
                event()
        if changed:
            event()

    return transaction


def interrupted_at(number: int) -> Any:
    """Return a replacement for `Manifest._transaction` that raises an error at an event."""
    events = itertools.count(1)

    def event() -> None:
        if next(events) == number:
            raise ArithmeticError

    return _with_events(event)


def _kill_at(last: int, kind: Kind) -> dict[str, list[Any]]:
    """Kill this process at an event, and return hooks for some of the events.

    Besides the commits of the manifest, events are a request that is about to be sent, a response
    that was received, and a file that is about to be renamed or removed.
    """
    left = last

    def event() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(name: str, arguments: tuple[object, ...]) -> None:
        # Not the lock file, which is removed when nothing is left to resume.
        if name == "os.rename" or (name == "os.remove" and not str(arguments[0]).endswith(".lock")):
            event()

    Manifest._transaction = _with_events(event)  # type: ignore[method-assign]
    sys.addaudithook(audit)

    async def event_later(_: object) -> None:
        event()

    hook: Any = event_later if kind == "async" else lambda _: event()
    return {"request": [hook], "response": [hook]}


class Killer:
    """Kills a child when the server receives or has processed a submission.

    It is used as a middleware of a sandbox.

    Attributes:
        seen: The number of submissions that were received.
    """

    def __init__(self) -> None:
        self.seen = 0
        self._lock = threading.Lock()
        self._due: tuple[int, str, Callable[[], None]] | None = None

    def arm(self, number: int, when: str, kill: Callable[[], None]) -> None:
        """Schedule a kill at a submission.

        Args:
            number: The number of the submission, counted from the first one.
            when: ``"lost"`` when it is received, and dropped; ``"received"`` when it is received,
                and processed; ``"processed"`` before the response is sent; ``"responded"`` after
                the response was sent.
            kill: Kills the child.
        """
        with self._lock:
            self._due = number, when, kill

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """Wrap an application."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"] != REGISTER:
                await app(scope, receive, send)
                return
            # All of it, since the server would reject a submission with half of its body.
            body = await _read_body(receive)
            when, kill = self._next()

            async def receive_body() -> Message:
                return body

            async def send_watched(message: Message) -> None:
                if when == "processed" and message["type"] == "http.response.start":
                    kill()
                await send(message)

            if when in ("lost", "received"):
                kill()
            if when != "lost":
                await app(scope, receive_body, send_watched)
            if when == "responded":
                kill()

        return watched

    def _next(self) -> tuple[str, Callable[[], None]]:
        with self._lock:
            self.seen += 1
            if self._due is None or self.seen < self._due[0]:
                return "", lambda: None
            _, when, kill = self._due
            self._due = None
            return when, kill


async def _read_body(receive: Receive) -> Message:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return {**message, "body": b"".join(parts)}


@contextmanager
def joined(process: BaseProcess, timeout: float = 120) -> Iterator[None]:
    """Wait for a child on leaving the context, and kill it if it hangs."""
    try:
        yield
        process.join(timeout)
        assert process.exitcode is not None, "the child hangs"
    finally:
        if process.is_alive():
            process.kill()
        process.join()
