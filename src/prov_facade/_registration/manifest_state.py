"""What is known of the chunks of a manifest, and what can become of them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from attrs import evolve, field, frozen

from prov_facade._registration import manifest_events as events


class State(Enum):
    """What is known of a chunk.

    Attributes:
        SUBMITTING: It was about to be submitted. Until that has ended, or if it never did, the
            server may have it or not.
        SUBMITTED: The server has it.
        FREE: The server has not acted on it: it may be submitted again.
        DONE: What has become of its records is known.
    """

    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    FREE = "free"
    DONE = "done"


@frozen
class Chunk:
    """A run of input records that are submitted together.

    Attributes:
        number: Its number, from 0 on.
        first: The index of its first record in the input.
        count: How many records of the input it covers.
        digest: The SHA-256 of what was submitted last, in hexadecimal digits.
        at: When that was, in Unix time.
        state: What is known of it.
        session_id: The job that submits its records, once it is submitted.
        batch_id: What its records are registered under, once that is known.
        refused: Why the server refuses records for good, by their index in the input.
        left_out: Those of them that were refused before it was submitted last: the digest is
            without them.
    """

    number: int
    first: int
    count: int
    digest: str
    at: float
    state: State = State.SUBMITTING
    session_id: str | None = None
    batch_id: str | None = None
    refused: Mapping[int, str] = field(factory=lambda: MappingProxyType({}))
    left_out: frozenset[int] = frozenset()

    @property
    def all_refused(self) -> bool:
        """Whether there is nothing left of it that could be submitted."""
        return len(self.refused) == self.count


class ManifestState:
    """What is known of the chunks, event by event.

    Attributes:
        chunks: The chunks, in order.
        session_ids: The jobs that belong to a chunk.
    """

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.session_ids: set[str] = set()

    def chunk(self, number: int) -> Chunk:
        """Find a chunk.

        Args:
            number: Its number.

        Raises:
            ValueError: If there is none.
        """
        if not 0 <= number < len(self.chunks):
            raise ValueError(f"there is no chunk {number}")
        return self.chunks[number]

    def holds(self, chunk: Chunk) -> bool:
        """Say whether a chunk is the very one that there is.

        Args:
            chunk: What ``after`` has returned.
        """
        return chunk.number < len(self.chunks) and self.chunks[chunk.number] is chunk

    def keep(self, chunk: Chunk) -> None:
        """Put a chunk in the place of the one of that number, or behind the last one.

        Args:
            chunk: What ``after`` has returned.
        """
        self.chunks[chunk.number : chunk.number + 1] = [chunk]
        if chunk.session_id is not None:
            self.session_ids.add(chunk.session_id)

    def after(self, event: events.ChunkEvent) -> Chunk:
        """Say what an event makes of its chunk; nothing is kept.

        Args:
            event: The event.

        Returns:
            The chunk after it; the very one that there is if it changes nothing.

        Raises:
            ValueError: If it cannot be.
        """
        if isinstance(event, events.Planned) and event.chunk == len(self.chunks):
            return self._new(event)
        chunk = self.chunk(event.chunk)
        if isinstance(event, events.Planned):
            return _planned_again(chunk, event)
        if isinstance(event, events.Submitted):
            return self._submitted(chunk, event)
        if isinstance(event, events.NotSubmitted):
            return _not_submitted(chunk, event)
        if isinstance(event, events.Batch):
            return _with_batch(chunk, event)
        return _done(chunk, event)

    def _new(self, event: events.Planned) -> Chunk:
        last = self.chunks[-1] if self.chunks else None
        expected = last.first + last.count if last else 0
        if event.first != expected:
            raise ValueError(
                f"chunk {event.chunk} starts at record {event.first}, not at {expected}"
            )
        return Chunk(event.chunk, event.first, event.count, event.digest, event.at)

    def _submitted(self, chunk: Chunk, event: events.Submitted) -> Chunk:
        if chunk.session_id == event.session_id:
            return chunk
        if chunk.state is not State.SUBMITTING:
            raise _out_of_turn(chunk, f"is submitted as {event.session_id!r}")
        if event.session_id in self.session_ids:
            raise _out_of_turn(chunk, f"is submitted as {event.session_id!r}, another chunk's job")
        return evolve(chunk, state=State.SUBMITTED, session_id=event.session_id)


def _out_of_turn(chunk: Chunk, what: str) -> ValueError:
    known = f" as {chunk.session_id!r}" if chunk.session_id else ""
    return ValueError(f"chunk {chunk.number}, which is {chunk.state.value}{known}, {what}")


def _planned_again(chunk: Chunk, event: events.Planned) -> Chunk:
    if chunk.state is not State.FREE:
        raise _out_of_turn(chunk, "is planned again")
    if (event.first, event.count) != (chunk.first, chunk.count):
        raise _out_of_turn(chunk, "is planned again with other records")
    if chunk.all_refused:
        raise _out_of_turn(chunk, "is planned again, though all of its records are refused")
    left_out = frozenset(chunk.refused)
    return evolve(
        chunk, state=State.SUBMITTING, digest=event.digest, at=event.at, left_out=left_out
    )


def _not_submitted(chunk: Chunk, event: events.NotSubmitted) -> Chunk:
    if chunk.state is not State.SUBMITTING:
        raise _out_of_turn(chunk, "is said not to be submitted")
    for index in event.refused:
        if not chunk.first <= index < chunk.first + chunk.count:
            raise _out_of_turn(chunk, f"is said to have record {index}")
    refused = MappingProxyType({**chunk.refused, **event.refused})
    return evolve(chunk, state=State.FREE, refused=refused)


def _with_batch(chunk: Chunk, event: events.Batch) -> Chunk:
    if chunk.batch_id == event.batch_id:
        return chunk
    if chunk.state is not State.SUBMITTED or chunk.batch_id:
        raise _out_of_turn(chunk, f"is said to be batch {event.batch_id!r}")
    return evolve(chunk, batch_id=event.batch_id)


def _done(chunk: Chunk, event: events.Done) -> Chunk:
    refused = chunk.state is State.FREE and chunk.all_refused
    if chunk.state is not State.SUBMITTED and not refused:
        raise _out_of_turn(chunk, "is said to be done")
    if len(event.outcomes) != chunk.count:
        raise _out_of_turn(chunk, f"has {len(event.outcomes)} outcomes for {chunk.count} records")
    return evolve(chunk, state=State.DONE)
