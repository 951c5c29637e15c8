"""Registrations that are interrupted, and registrations in processes that are killed."""

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
        last_event: The event at which it kills itself, 0 if it does not.
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
    last_event: int = 0
    csv: Path | None = None

    @classmethod
    def of(cls, sandbox: Sandbox, kind: Kind, count: int, folder: Path, **more: Any) -> Self:
        """Work at a sandbox, with files in a folder."""
        token = sandbox.token("read", "write")
        return cls(
            kind, sandbox.config, token, count, folder / "manifest", folder / "results", **more
        )

    def start(self) -> BaseProcess:
        """Start a process for it."""
        process: BaseProcess = _PROCESSES.Process(  # type: ignore[attr-defined]
            target=_work, args=(self,), daemon=True
        )
        process.start()
        return process

    def read_results(self) -> list[dict[str, Any]]:
        """Read the results that the child has written."""
        lines = self.results.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


def _work(work: Work) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    client: dict[str, Any] = {}
    if work.last_event:
        client["event_hooks"] = _kill_at(work.last_event, work.kind)
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
    """Make a replacement of the transactions of manifests.

    An event is a change that is about to be committed, and one that was committed.
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
    """Make a replacement of the transactions of manifests that raises an error at an event."""
    events = itertools.count(1)

    def event() -> None:
        if next(events) == number:
            raise ArithmeticError

    return _with_events(event)


def _kill_at(last: int, kind: Kind) -> dict[str, list[Any]]:
    """Kill this process at an event, and return hooks for some of the events.

    Besides the events of the manifest, these are a request that is about to be sent, a response
    that has arrived, and a file that is about to be renamed or removed.
    """
    left = last

    def event() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(name: str, arguments: tuple[object, ...]) -> None:
        # The lock is removed at the very end, when nothing is left to resume.
        if name == "os.rename" or (name == "os.remove" and not str(arguments[0]).endswith(".lock")):
            event()

    Manifest._transaction = _with_events(event)  # type: ignore[method-assign]
    sys.addaudithook(audit)

    async def event_later(_: object) -> None:
        event()

    hook: Any = event_later if kind == "async" else lambda _: event()
    return {"request": [hook], "response": [hook]}


class Killer:
    """Kills a child when the server receives a submission, or has processed it.

    It is used as a middleware of a sandbox.

    Attributes:
        seen: How many submissions have arrived.
    """

    def __init__(self) -> None:
        self.seen = 0
        self._lock = threading.Lock()
        self._due: tuple[int, str, Callable[[], None]] | None = None

    def arm(self, number: int, when: str, kill: Callable[[], None]) -> None:
        """Kill at a submission.

        Args:
            number: The number of the submission, counted from the first one.
            when: ``"lost"`` when it arrives, and the server never sees it; ``"received"`` when it
                arrives, and the server processes it; ``"processed"`` before the response is sent,
                ``"responded"`` when it was sent.
            kill: Kills the child.
        """
        with self._lock:
            self._due = number, when, kill

    def around(self, app: ASGIApp) -> ASGIApp:
        """Wrap an application."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"] != REGISTER:
                await app(scope, receive, send)
                return
            # With half of the body, the server would reject the submission.
            body = await _whole(receive)
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


async def _whole(receive: Receive) -> Message:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return {**message, "body": b"".join(parts)}


@contextmanager
def joined(process: BaseProcess, patience: float = 120) -> Iterator[None]:
    """Wait for a child at the end, and kill it if it hangs."""
    try:
        yield
        process.join(patience)
        assert process.exitcode is not None, "the child hangs"
    finally:
        if process.is_alive():
            process.kill()
        process.join()
