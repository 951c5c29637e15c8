"""Makes the sandbox fail on demand, the way servers and gateways do."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from attrs import field, frozen

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
        after: With ``drop``, ``truncate`` or a status: let the sandbox act on the request first.
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
    """The faults that are to come, for each operation."""

    def __init__(self) -> None:
        self._coming: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._lock = threading.Lock()

    def add(self, operation_id: str, *faults: Fault) -> None:
        """Let the next calls of an operation go wrong, one after the other.

        Args:
            operation_id: The operation, such as ``register_model_run``. What the realm and the
                reports are asked has such ids as well: see what ``Sandbox.requests`` says.
            faults: What happens to the next calls. After the last one, all is well again.
        """
        with self._lock:
            self._coming[operation_id].extend(faults)

    def clear(self) -> None:
        """Let all be well."""
        with self._lock:
            self._coming.clear()

    def left(self, operation_id: str) -> int:
        """How many faults are still to come for an operation."""
        with self._lock:
            return len(self._coming[operation_id])

    def next(self, operation_id: str) -> Fault | None:
        """Take the fault of the next call."""
        with self._lock:
            coming = self._coming[operation_id]
            return coming.popleft() if coming else None
