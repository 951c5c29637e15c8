"""Applies faults to calls of the client."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import httpx
from certificates import server_context
from clients import TOKEN, ClientKind, config_for, new
from faults.rule import ATTEMPTS, DISTRUST, LONGEST_WAIT, REFUSE, STALL, Action, Fault, faults
from faults.tokens import Numbered
from sample_calls import SAMPLES
from scripted_server import Received, Reply, Server, json_reply

from prov_facade import BearerToken, ProvClient, ProvError, RetryPolicy

QUICK = RetryPolicy(
    attempts=ATTEMPTS, backoff=0.001, max_backoff=0.002, max_retry_after=LONGEST_WAIT
)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a call.

    Attributes:
        error: Its error, or ``None`` for a value.
        requests: The number of requests received, or of attempts if none could be received.
        renewals: The number of token renewals.
        elsewhere: The number of connections to another host.
    """

    error: ProvError | None
    requests: int
    renewals: int
    elsewhere: int


class Player:
    """A server that applies faults to the calls of a client, and caches the outcomes."""

    def __init__(self, kind: ClientKind = "async") -> None:
        self._kind = kind
        self._stack = ExitStack()
        self._server = Server()
        self._elsewhere = Server(json_reply({}))
        self._release = threading.Event()
        self._outcomes: dict[tuple[str, str], Outcome] = {}
        self._script: Iterator[Action] = iter(())

    @property
    def faults(self) -> list[Fault]:
        return faults(self._elsewhere.url)

    def __enter__(self) -> Self:
        self._stack.enter_context(self._server)
        self._stack.enter_context(self._elsewhere)
        # Bound, but not listening: connections are refused, and no other process can use the port.
        listener = self._stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        closed_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        folder = Path(self._stack.enter_context(TemporaryDirectory()))
        untrusted = Server(tls=server_context(folder / "bundle.pem"))
        self._stack.enter_context(untrusted)
        # Where no request arrives.
        self._unreachable = {REFUSE: closed_url, DISTRUST: untrusted.url}
        self._server.response = self._respond
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def outcome(self, operation: str, fault: Fault) -> Outcome:
        """Apply a fault to the sample call of an operation."""
        key = operation, fault.name
        if key not in self._outcomes:
            self._outcomes[key] = self._play(operation, fault)
        return self._outcomes[key]

    def _respond(self, _: Received) -> Reply:
        action = next(self._script)
        if action == STALL:
            self._release.wait(10)
            return None
        assert not isinstance(action, str)
        return action

    def _play(self, operation: str, fault: Fault) -> Outcome:
        sample = SAMPLES[operation]
        self._script = fault.play(sample)
        first = next(fault.play(sample))
        unreachable = self._unreachable.get(first) if isinstance(first, str) else None
        self._release = threading.Event()
        self._server.received.clear()
        manager = Numbered() if fault.renewable else None
        stalls = first == STALL

        async def work() -> ProvError | None:
            async with new(
                ProvClient,
                manager or BearerToken(TOKEN),
                config_for(unreachable or self._server.url),
                timeout=httpx.Timeout(10, read=0.05 if stalls else 10),
                retries=QUICK,
                kind=self._kind,
            ) as client:
                try:
                    await sample.call(client)
                except ProvError as error:
                    return error
            return None

        error = asyncio.run(work())
        attempts = len(error.attempts) if error else 1
        if unreachable is None:
            self._wait_for(attempts)
        self._release.set()
        requests = attempts if unreachable else len(self._server.received)
        renewals = manager.number if manager else 0
        return Outcome(error, requests, renewals, self._elsewhere.opened)

    def _wait_for(self, requests: int) -> None:
        """Wait until the server has read all requests: the client may disconnect before that."""
        end = time.monotonic() + 5
        while len(self._server.received) < requests and time.monotonic() < end:
            time.sleep(0.002)
