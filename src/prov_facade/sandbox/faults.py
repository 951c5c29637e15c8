"""Makes the sandbox fail on demand, the way servers and gateways do."""

from __future__ import annotations

import difflib
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from typing import TypeVar

from attrs import field, frozen

T = TypeVar("T")

_GATEWAY_PAGE = b"<html><head><title>%d %s</title></head><body><hr>gateway</body></html>"


@frozen(kw_only=True)
class Fault:
    """One answer that goes wrong.

    What is not set is as the sandbox would have it: a fault with nothing but a delay answers late.

    Attributes:
        status: The status, instead of the real answer.
        body: The body that goes with it.
        content_type: The media type of that body.
        headers: More headers, such as ``Retry-After``.
        delay: Seconds to wait before anything else.
        drop: Close the connection without an answer.
        after: With ``drop`` or a status: let the sandbox act on the request first. To truncate an
            answer of its own, it always does.
        truncate: Send this many bytes of the body, then close the connection.
    """

    status: int | None = None
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(factory=dict)
    delay: float = 0.0
    drop: bool = False
    after: bool = False
    truncate: int | None = None


def gateway(status: int, reason: str = "Bad Gateway", *, delay: float = 0.0) -> Fault:
    """A page of HTML from a gateway in front of the server."""
    return Fault(
        status=status,
        body=_GATEWAY_PAGE % (status, reason.encode()),
        content_type="text/html",
        delay=delay,
    )


def expired_token() -> Fault:
    """What comes back when the token of a call has run out on its way."""
    return Fault(
        status=401,
        body=b'{"detail":"Could not validate credentials"}',
        headers={"WWW-Authenticate": "Bearer"},
    )


def statuses(values: Iterable[int]) -> list[Fault]:
    """Make faults of statuses alone."""
    return [Fault(status=value, body=b'{"detail": "On demand."}') for value in values]


class Faults:
    """The faults that are to come, for each operation and for each kind of job.

    Args:
        operation_ids: The operations that there are.
        job_sub_types: The kinds of jobs that there are.
    """

    def __init__(self, operation_ids: Iterable[str], job_sub_types: Iterable[str]) -> None:
        self._coming: dict[str, deque[Fault]] = {name: deque() for name in operation_ids}
        self._failing: dict[str, deque[str]] = {name: deque() for name in job_sub_types}
        self._lock = threading.Lock()

    @property
    def operation_ids(self) -> list[str]:
        """The operations that can go wrong, those of the realm and ``fetch_report`` among them."""
        return list(self._coming)

    def add(self, operation_id: str, *faults: Fault) -> None:
        """Let the next calls of an operation go wrong, one after the other.

        Args:
            operation_id: The operation, such as ``register_model_run``; see :attr:`operation_ids`.
            faults: What happens to the next calls. After the last one, all is well again.

        Raises:
            ValueError: If there is no such operation.
        """
        with self._lock:
            _known(self._coming, operation_id, "operation").extend(faults)

    def fail_jobs(self, job_sub_type: str, *infos: str) -> None:
        """Let the next jobs of a kind fail, in the order in which they are worked on.

        Args:
            job_sub_type: The kind of job, such as ``MODEL_RUN_PROV_LODGE``.
            infos: What each of them says went wrong.

        Raises:
            ValueError: If there is no such kind of job.
        """
        with self._lock:
            _known(self._failing, job_sub_type, "kind of job").extend(infos)

    def clear(self) -> None:
        """Let all be well."""
        with self._lock:
            for faults in self._coming.values():
                faults.clear()
            for infos in self._failing.values():
                infos.clear()

    def left(self, operation_id: str) -> int:
        """How many faults are still to come for an operation.

        Raises:
            ValueError: If there is no such operation.
        """
        with self._lock:
            return len(_known(self._coming, operation_id, "operation"))

    def next(self, operation_id: str) -> Fault | None:
        """Take the fault of the next call."""
        with self._lock:
            coming = self._coming[operation_id]
            return coming.popleft() if coming else None

    def next_job(self, job_sub_type: str) -> str | None:
        """Take the failure of the next job."""
        with self._lock:
            failing = self._failing[job_sub_type]
            return failing.popleft() if failing else None


def _known(table: Mapping[str, deque[T]], name: str, what: str) -> deque[T]:
    if name not in table:
        near = difflib.get_close_matches(name, table, n=3) or sorted(table)
        raise ValueError(f"there is no {what} {name!r}; there is {', '.join(near)}")
    return table[name]
