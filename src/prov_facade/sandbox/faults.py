"""Injects faults into the sandbox: the typical failures of servers and gateways."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from typing import TypeVar

from attrs import field, frozen

from prov_facade._checks import check_choice

T = TypeVar("T")

_GATEWAY_PAGE = b"<html><head><title>%d %s</title></head><body><hr>gateway</body></html>"


@frozen(kw_only=True)
class Fault:
    """One faulty response.

    Anything not set is taken from the real response: a fault with only a delay delays it.

    Attributes:
        status: The status, in place of the real response.
        body: The body sent with that status.
        content_type: The media type of that body.
        headers: Additional headers, such as ``Retry-After``.
        delay: Seconds to wait before anything else.
        drop: Close the connection without a response.
        after: With ``drop`` or a status, let the sandbox act on the request first. It always does
            so to truncate the real response.
        truncate: Send this many bytes of the body, then close the connection.
        truncate_gzip: Compress the body with gzip, and send this many bytes of the result as if
            they were all of it.
        close: Close the connection after the response, without announcing it.
    """

    status: int | None = None
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(factory=dict)
    delay: float = 0.0
    drop: bool = False
    after: bool = False
    truncate: int | None = None
    truncate_gzip: int | None = None
    close: bool = False


def gateway(status: int, reason: str = "Bad Gateway", *, delay: float = 0.0) -> Fault:
    """Create a fault that responds with an HTML error page, like a gateway."""
    return Fault(
        status=status,
        body=_GATEWAY_PAGE % (status, reason.encode()),
        content_type="text/html",
        delay=delay,
    )


def expired_token() -> Fault:
    """Create a fault that responds as if the token had expired on its way to the server."""
    return Fault(
        status=401,
        body=b'{"detail":"Could not validate credentials"}',
        headers={"WWW-Authenticate": "Bearer"},
    )


def denied_item() -> Fault:
    """Create a fault that responds as if the user lacked a right to an item of the request."""
    return Fault(
        status=401,
        body=b'{"detail":"Registry API denied access to resource: 401. Error: You are not'
        b' authorised to fetch this item."}',
    )


def unhandled_error() -> Fault:
    """Create a fault that responds like an application whose code raised an error.

    The server closes the connection after the response, without announcing it.
    """
    return Fault(status=500, body=b"Internal Server Error", content_type="text/plain", close=True)


def statuses(values: Iterable[int]) -> list[Fault]:
    """Create a fault for each status."""
    return [Fault(status=value, body=b'{"detail": "Injected fault."}') for value in values]


@frozen
class BrokenBatch:
    """How a batch job breaks off; see :meth:`Faults.break_off_batches`."""

    started: int
    late: float | None


class Faults:
    """Queues of faults: one for each operation, and one for each kind of job.

    Args:
        operation_ids: The ids of all operations.
        job_sub_types: The subtypes of all jobs.
    """

    def __init__(self, operation_ids: Iterable[str], job_sub_types: Iterable[str]) -> None:
        self._faults: dict[str, deque[Fault]] = {name: deque() for name in operation_ids}
        self._job_failures: dict[str, deque[str]] = {name: deque() for name in job_sub_types}
        self._broken_batches: deque[BrokenBatch] = deque()
        self._lock = threading.Lock()

    @property
    def operation_ids(self) -> list[str]:
        """The operations that can fail, including those of the realm and ``fetch_report``."""
        return list(self._faults)

    def add(self, operation_id: str, *faults: Fault) -> None:
        """Make the next calls of an operation fail, one fault per call.

        Args:
            operation_id: The operation, such as ``register_model_run``; see :attr:`operation_ids`.
            faults: The faults of the next calls. Calls after the last fault succeed again.

        Raises:
            ValueError: If the operation does not exist.
        """
        with self._lock:
            _queue(self._faults, operation_id, "operation").extend(faults)

    def fail_jobs(self, job_sub_type: str, *infos: str) -> None:
        """Make the next jobs of a kind fail, in the order in which they are processed.

        Args:
            job_sub_type: The kind of job, such as ``MODEL_RUN_PROV_LODGE``.
            infos: The ``info`` of each job that fails.

        Raises:
            ValueError: If this kind of job does not exist.
        """
        with self._lock:
            _queue(self._job_failures, job_sub_type, "kind of job").extend(infos)

    def break_off_batches(self, *started: int, late: float | None = None) -> None:
        """Let the next batch jobs fail after they have started the jobs of some records.

        The real server does so if it cannot start one of them, or if that takes longer than 10 s.

        Args:
            started: How many jobs each of the next batch jobs starts.
            late: After how many seconds another job appears, the one that took too long; ``None``
                if it never does.
        """
        with self._lock:
            self._broken_batches.extend(BrokenBatch(count, late) for count in started)

    def clear(self) -> None:
        """Delete all pending faults."""
        with self._lock:
            for faults in self._faults.values():
                faults.clear()
            for infos in self._job_failures.values():
                infos.clear()
            self._broken_batches.clear()

    def left(self, operation_id: str) -> int:
        """Return the number of pending faults of an operation.

        Raises:
            ValueError: If the operation does not exist.
        """
        with self._lock:
            return len(_queue(self._faults, operation_id, "operation"))

    def next(self, operation_id: str) -> Fault | None:
        """Take the fault of the next call from its queue."""
        with self._lock:
            queue = self._faults[operation_id]
            return queue.popleft() if queue else None

    def next_job(self, job_sub_type: str) -> str | None:
        """Take the failure of the next job from its queue."""
        with self._lock:
            queue = self._job_failures[job_sub_type]
            return queue.popleft() if queue else None

    def next_batch(self) -> BrokenBatch | None:
        """Take the fault of the next batch from its queue."""
        with self._lock:
            return self._broken_batches.popleft() if self._broken_batches else None


def _queue(table: Mapping[str, deque[T]], name: str, what: str) -> deque[T]:
    check_choice(what, name, sorted(table), error=ValueError)
    return table[name]
