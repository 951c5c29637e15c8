"""Registrations in processes of their own, which are killed in the midst of them."""

from __future__ import annotations

import io
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
from prov_facade.sandbox import Sandbox

REGISTER = "/model_run/register_batch"

# Each child starts as a copy of a process that has no threads, and what loads slowly loaded.
_PROCESSES = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
if sys.platform != "win32":
    _PROCESSES.set_forkserver_preload(["prov_facade", "prov_facade.sandbox", "pytest"])


@frozen
class Work:
    """What a child does.

    Attributes:
        kind: With which client.
        config: The deployment.
        token: Who it is.
        count: How many records there are.
        first: The number of the first one.
        manifest: The manifest.
        results: Where it writes its results when it comes to the end.
        options: Of ``register_many``.
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
        """Begin it in a process of its own."""
        process: BaseProcess = _PROCESSES.Process(  # type: ignore[attr-defined]
            target=_work, args=(self,), daemon=True
        )
        process.start()
        return process

    def told(self) -> list[dict[str, Any]]:
        """Read the results that the child has written."""
        lines = self.results.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


def _work(work: Work) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    client: dict[str, Any] = {}
    if work.last_event:
        client["event_hooks"] = _ending_at(work.last_event, work.manifest, work.kind)
    registrar = Registrar(work.kind, work.config, BearerToken(work.token), client=client)
    if work.csv is not None:
        registrar.csv(work.csv, **work.options)
        return
    ended = registrar.many(records(work.count, work.first), work.manifest, **work.options)
    if ended.error is not None:
        raise ended.error
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
        for one in ended.results
    ]
    work.results.write_text("\n".join(lines), encoding="utf-8")


def _ending_at(last: int, manifest: Path, kind: Kind) -> dict[str, list[Any]]:
    """Have this process kill itself at an event, and return hooks that see some of the events.

    An event is a request about to be sent, an answer that has come, a line about to be written into
    the manifest, and a line that is on the disk.
    """
    left = last

    def event() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(_frame: object, what: str, which: object) -> None:
        if what not in ("c_call", "c_return"):
            return
        name, owner = getattr(which, "__name__", ""), getattr(which, "__self__", None)
        written = name == "write" and isinstance(owner, io.FileIO) and owner.name == str(manifest)
        if (written and what == "c_call") or (name == "fsync" and what == "c_return"):
            event()

    sys.setprofile(watch)
    threading.setprofile(watch)

    async def event_later(_: object) -> None:
        event()

    hook: Any = event_later if kind == "async" else lambda _: event()
    return {"request": [hook], "response": [hook]}


class Killer:
    """Kills a child when the server receives a submission, or has acted on it.

    As middleware of a sandbox, it sees what comes and goes.

    Attributes:
        seen: How many submissions came.
    """

    def __init__(self) -> None:
        self.seen = 0
        self._lock = threading.Lock()
        self._due: tuple[int, str, Callable[[], None]] | None = None

    def arm(self, number: int, when: str, kill: Callable[[], None]) -> None:
        """Kill at a submission.

        Args:
            number: Which, counted from the first one that ever came.
            when: ``"unheard"`` when it comes, and the server never sees it; ``"heard"`` when it
                comes, and the server acts on it; ``"acted"`` before its answer leaves,
                ``"answered"`` when that has left.
            kill: Kills.
        """
        with self._lock:
            self._due = number, when, kill

    def around(self, app: ASGIApp) -> ASGIApp:
        """Stand around an application."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"] != REGISTER:
                await app(scope, receive, send)
                return
            # The whole of it is there: else the server might find half of it, and refuse that.
            body = await _whole(receive)
            when, kill = self._next()

            async def told() -> Message:
                return body

            async def telling(message: Message) -> None:
                if when == "acted" and message["type"] == "http.response.start":
                    kill()
                await send(message)

            if when in ("unheard", "heard"):
                kill()
            if when != "unheard":
                await app(scope, told, telling)
            if when == "answered":
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
def ended(process: BaseProcess, patience: float = 120) -> Iterator[None]:
    """Wait for a child at the end, and let none stay behind."""
    try:
        yield
        process.join(patience)
        assert process.exitcode is not None, "the child does not end"
    finally:
        if process.is_alive():
            process.kill()
        process.join()
