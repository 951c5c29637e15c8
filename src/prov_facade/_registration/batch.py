"""Records, chunks and batches of a registration, without the network."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
from attrs import define, field, frozen

from job_api_client.models import JobStatusTable
from prov_api_client.models import ModelRunRecord
from prov_facade import errors
from prov_facade._http.dates import parse_http_date
from prov_facade._jobs import results as job_results
from prov_facade._jobs.poller import Poller
from prov_facade._registration.manifest import Chunk, Outcome, StoredRecord
from prov_facade._registration.recognition import Fingerprint, fingerprint, record_fingerprint

# Final errors, stored in the manifest.
_FINAL_ERRORS: dict[str, type[errors.ProvError]] = {
    kind.__name__: kind
    for kind in (errors.InvalidRequestError, errors.JobFailedError, errors.BadRequestError)
}


@frozen
class BulkResult:
    """The result of one record.

    Attributes:
        index: The position of the record in the input, from 0.
        record: The record as it was passed.
        handle: The id of the model run; ``None`` if it is not registered.
        session_id: The job that registers it, if any.
        error: Why it is not registered; ``None`` if it is. With a :class:`JobTimeoutError`, a
            :class:`JobNotFoundError` or a :class:`SubmissionUnknownError`, it may be registered,
            now or later. With a :class:`JobError` itself, it is, and its id is unknown.
        resumed: Whether the result comes from the manifest.
    """

    index: int
    record: Any
    handle: str | None = None
    session_id: str | None = None
    error: errors.ProvError | None = None
    resumed: bool = False


@frozen
class BulkProgress:
    """The progress of a long registration.

    Attributes:
        read: The number of records that were read from the input.
        submitted: The number that were submitted to the server.
        registered: The number that are registered.
        failed: The number that have failed permanently.
        batches: The number of batches in flight.
    """

    read: int = 0
    submitted: int = 0
    registered: int = 0
    failed: int = 0
    batches: int = 0


@define
class RecordState:
    """The state of a record of a chunk.

    Attributes:
        index: Its position in the input.
        original: The record as it was passed.
        record: The record as it is sent; ``None`` if it is invalid.
        error: Why it is not registered, once that is known.
        handle: The id of the model run, once it is known.
        session_id: The job that registers it, once it is known.
        reported: Whether its result was returned.
    """

    index: int
    original: Any
    record: ModelRunRecord | None = None
    error: errors.ProvError | None = None
    handle: str | None = None
    session_id: str | None = None
    reported: bool = False
    _fingerprint: Fingerprint | None = field(default=None, repr=False)

    @property
    def fingerprint(self) -> Fingerprint | None:
        """What its job is recognised by; ``None`` if it is invalid."""
        if self._fingerprint is None and self.record is not None:
            self._fingerprint = fingerprint(self.record)
        return self._fingerprint

    @property
    def stored(self) -> StoredRecord:
        """The record, for the manifest."""
        found = self.fingerprint
        return StoredRecord() if found is None else StoredRecord(found.digest, found.identity)

    @property
    def was_submitted(self) -> bool:
        """Whether it was submitted, if it has an outcome."""
        return not isinstance(self.error, errors.InvalidRequestError | errors.APIError)

    @property
    def has_outcome(self) -> bool:
        """Whether it is registered, or has failed."""
        return self.handle is not None or self.error is not None

    @property
    def is_open(self) -> bool:
        """Whether it has neither an outcome nor a job."""
        return not self.has_outcome and self.session_id is None

    @property
    def outcome(self) -> Outcome:
        """Its outcome, for the manifest."""
        if self.error is None:
            return Outcome(self.session_id, self.handle)
        kind = next(name for name, kind in _FINAL_ERRORS.items() if isinstance(self.error, kind))
        return Outcome(self.session_id, None, storable_text(self.error), kind)

    def restore(self, outcome: Outcome) -> None:
        """Take over what the manifest knows about its outcome."""
        self.session_id, self.handle = outcome.session_id, outcome.handle
        if outcome.error is None or self.error is not None:
            return
        kind = _FINAL_ERRORS.get(outcome.error_kind or "", errors.ProvError)
        if issubclass(kind, errors.JobError):
            self.error = kind(outcome.error, session_id=outcome.session_id or "")
        else:
            self.error = kind(outcome.error)

    def result(self, *, resumed: bool = False) -> BulkResult:
        """Return its result."""
        return BulkResult(
            self.index, self.original, self.handle, self.session_id, self.error, resumed
        )


def may_still_be_registered(error: errors.ProvError | None) -> bool:
    """Whether a record that ended in an error may be registered, now or later."""
    if isinstance(error, errors.SubmissionUnknownError):
        return True
    return isinstance(error, errors.JobError) and not isinstance(error, errors.JobFailedError)


@define(eq=False)
class InFlightBatch:
    """A chunk whose jobs are followed.

    Attributes:
        records: Its records.
        chunk: The chunk in the manifest.
        poller: Decides when to poll the job-api about it.
        fruitless: Whether the submission before has not started any job.
        next_poll: When to poll the job-api next, on the monotonic clock.
        failed_at: When its job was seen to have failed, on the monotonic clock.
        given_up: Whether that job is no longer of interest.
    """

    records: list[RecordState]
    chunk: Chunk
    poller: Poller
    fruitless: bool = False
    next_poll: float = 0.0
    failed_at: float | None = None
    given_up: bool = False
    _seen: set[str] = field(factory=set, init=False)
    _unmatched: list[JobStatusTable] = field(factory=list, init=False)

    @property
    def submitting(self) -> str | None:
        """The job that still submits its records; ``None`` if their batch is known."""
        session_id = self.chunk.session_id
        if session_id is None or self.given_up or self.chunk.batches[-1].batch_id is not None:
            return None
        return session_id

    @property
    def batch_ids(self) -> list[str]:
        """The batches that its records are registered under."""
        return [batch.batch_id for batch in self.chunk.batches if batch.batch_id is not None]

    @property
    def waiting(self) -> list[RecordState]:
        """Its records without an outcome."""
        return [state for state in self.records if not state.has_outcome]

    @property
    def outcomes_are_final(self) -> bool:
        """Whether no outcome can change any more."""
        return not any(may_still_be_registered(state.error) for state in self.records)

    def update(self, jobs: Iterable[JobStatusTable]) -> list[RecordState]:
        """Match the current jobs of the batch with its records.

        They are matched by content, since the order in which a batch lists its jobs is not
        reliable. Equal records may be matched with each other's jobs.

        Returns:
            The records whose outcome this determined.
        """
        earlier = set(self.batch_ids) - {batch.batch_id for batch in self.chunk.batches[-1:]}
        known = {state.session_id for state in self.records if state.has_outcome}
        by_job = {state.session_id: state for state in self.waiting if not state.is_open}
        by_digest: dict[bytes | None, deque[RecordState]] = {}
        for state in self.waiting:
            if state.is_open:
                by_digest.setdefault(_digest(state), deque()).append(state)
        changed = []
        for job in jobs:
            if job.session_id in self._seen or not job_results.has_ended(job):
                continue
            self._seen.add(job.session_id)
            if job.session_id in by_job:
                changed.append(_set_outcome(by_job[job.session_id], job))
                continue
            if job.session_id in known or job.batch_id in earlier:
                # The open records are in the last batch. An earlier one also has the jobs of
                # records that are in another chunk since this one was split.
                continue
            found = record_fingerprint(job)
            equal = by_digest.get(found.digest) if found is not None else None
            if equal:
                changed.append(_set_outcome(equal.popleft(), job))
            else:
                self._unmatched.append(job)
        left = [state for state in self.waiting if state.is_open]
        if left and len(left) == len(self._unmatched):
            # All jobs have ended, but the server has changed the content of these.
            self._match_by_identity(left)
            changed += left
        return changed

    def fail(self, error: errors.ProvError, *, only_open: bool = False) -> list[RecordState]:
        """Give the records without an outcome the same error, and return them.

        Args:
            error: The error.
            only_open: Whether to leave out those that have a job.
        """
        failed = [state for state in self.waiting if state.is_open or not only_open]
        for state in failed:
            state.error = error
        return failed

    def _match_by_identity(self, left: list[RecordState]) -> None:
        """Match the remaining records by fields that a server rarely changes, or by elimination."""
        jobs, self._unmatched = self._unmatched, []
        by_identity: dict[bytes | None, list[JobStatusTable]] = {}
        for job in jobs:
            found = record_fingerprint(job)
            identity = None if found is None else found.identity
            by_identity.setdefault(identity, []).append(job)
        identities = Counter(_identity(state) for state in left)
        ambiguous = []
        for state in left:
            identity = _identity(state)
            if identities[identity] == len(by_identity.get(identity, ())) == 1:
                jobs.remove(by_identity[identity][0])
                _set_outcome(state, by_identity[identity][0])
            else:
                ambiguous.append(state)
        if len(ambiguous) == len(jobs) == 1:
            _set_outcome(ambiguous.pop(), jobs[0])
        ids = ", ".join(job.session_id for job in jobs)
        for state in ambiguous:
            state.error = errors.JobError(
                "could not determine which job registers this record, since the server has changed"
                f" the content of batch {', '.join(self.batch_ids)}: it is one of {ids}, and has"
                " ended",
                session_id=self.chunk.session_id or "",
            )


def _digest(state: RecordState) -> bytes | None:
    return None if state.fingerprint is None else state.fingerprint.digest


def _identity(state: RecordState) -> bytes | None:
    return None if state.fingerprint is None else state.fingerprint.identity


def _set_outcome(state: RecordState, job: JobStatusTable) -> RecordState:
    state.session_id = job.session_id
    state.error = job_results.failure_of(job)
    if state.error is None:
        try:
            state.handle = job_results.registered_model_run(job).handle
        except errors.InvalidResponseError as error:
            state.error = errors.JobError(
                f"the model run is registered, but its id is unknown: {error}",
                session_id=job.session_id,
                job=job,
            )
    return state


def refused_positions(error: errors.ProvError) -> dict[int, str]:
    """Return why the server refuses records of a batch, by their position in it.

    It is empty unless the server names records and nothing else.
    """
    if not isinstance(error, errors.ValidationFailedError):
        return {}
    found: dict[int, str] = {}
    for entry in error.errors:
        match entry.loc:
            case ["body", "records", int(position), *rest]:
                where = ".".join(map(str, rest))
                reason = f"{where}: {entry.msg}" if where else entry.msg
                found[position] = f"{found[position]}; {reason}" if position in found else reason
            case _:
                return {}
    return found


def clock_offset(response: httpx.Response) -> float | None:
    """Return how many seconds the clock of the server is ahead; ``None`` if it is not shown."""
    date = parse_http_date(response.headers.get("date", ""))
    return None if date is None else date - time.time()


def storable_text(value: object) -> str:
    """Return a value as text that a manifest can store as UTF-8."""
    return str(value).encode(errors="replace").decode()


def submission_unknown(
    chunk: Chunk,
    manifest: str | None,
    candidates: Sequence[str],
    reason: str,
    *,
    broken_off: bool = False,
) -> errors.SubmissionUnknownError:
    """Return the error for a chunk that may or may not have been submitted.

    Args:
        chunk: The chunk.
        manifest: The path of the manifest; ``None`` if it is temporary.
        candidates: The jobs that may belong to the chunk.
        reason: Why it could not be determined.
        broken_off: Whether the chunk was submitted, and has failed: no job can be named for it.
    """
    jobs = ", ".join(candidates)
    last = chunk.first + chunk.count - 1
    sent_at = datetime.fromtimestamp(chunk.planned_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    message = (
        f"could not determine whether records {chunk.first} to {last} (chunk {chunk.number}) were"
        f" submitted at {sent_at}: {reason}."
        + (f" The jobs that may have submitted them: {jobs}." if jobs else "")
        + " They were not sent again. Check your jobs before you do so"
    )
    if manifest is not None:
        name = "" if broken_off else f"{{{chunk.number}: 'the session id'}}, or resolutions="
        message += (
            f". To continue with the manifest {manifest!r}, pass resolutions={name}"
            f"{{{chunk.number}: None}} if they were not submitted"
        )
    return errors.SubmissionUnknownError(
        message,
        chunk=chunk.number,
        first=chunk.first,
        count=chunk.count,
        candidates=candidates,
    )
