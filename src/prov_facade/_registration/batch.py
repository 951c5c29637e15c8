"""Records, chunks and batches of a registration, without the network."""

from __future__ import annotations

import hashlib
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
from attrs import define, field, frozen

from job_api_client.models import JobStatusTable, JobSubType
from prov_api_client.models import ModelRunRecord
from prov_facade import errors
from prov_facade._http.dates import parse_http_date
from prov_facade._jobs import results as job_results
from prov_facade._jobs.poller import Poller
from prov_facade._registration.manifest import Chunk, Outcome

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
        error: Why it is not registered; ``None`` if it is. With a
            :class:`JobTimeoutError`, it may still become registered.
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
    """

    index: int
    original: Any
    record: ModelRunRecord | None = None
    error: errors.ProvError | None = None
    handle: str | None = None
    session_id: str | None = None

    @property
    def was_submitted(self) -> bool:
        """Whether it was submitted, if it has an outcome."""
        return not isinstance(self.error, errors.InvalidRequestError | errors.APIError)

    @property
    def has_outcome(self) -> bool:
        """Whether it is registered, or has failed."""
        return self.handle is not None or self.error is not None

    @property
    def outcome(self) -> Outcome:
        """Its outcome, for the manifest."""
        if self.error is None:
            return Outcome(self.session_id, self.handle, None, None)
        kind = next(name for name, kind in _FINAL_ERRORS.items() if isinstance(self.error, kind))
        return Outcome(self.session_id, None, storable_text(self.error), kind)

    def restore(self, outcome: Outcome) -> None:
        """Take over an outcome from the manifest."""
        self.session_id, self.handle = outcome.session_id, outcome.handle
        if outcome.error is None:
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
    """Return whether a record with this error may still be registered by its job."""
    return isinstance(error, errors.JobError) and not isinstance(error, errors.JobFailedError)


@define
class InFlightBatch:
    """A chunk whose job is followed.

    Attributes:
        records: Its records.
        number: Its number in the manifest.
        poller: Decides when to poll the job-api about it.
        session_id: The job that submits its records.
        batch_id: The batch that they are registered under, once that is known.
        next_poll: When to poll the job-api next, on the monotonic clock.
    """

    records: list[RecordState]
    number: int
    poller: Poller
    session_id: str
    batch_id: str | None = None
    next_poll: float = 0.0
    _pending: dict[bytes, deque[RecordState]] = field(factory=dict, init=False)
    _seen: set[str] = field(factory=set, init=False)
    _unmatched: list[JobStatusTable] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        for state in self.records:
            if not state.has_outcome and state.record is not None:
                self._pending.setdefault(_digest_of(state.record), deque()).append(state)

    @property
    def finished(self) -> bool:
        """Whether every record has an outcome."""
        return all(state.has_outcome for state in self.records)

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
        changed = []
        for job in jobs:
            if job.session_id in self._seen or not job_results.has_ended(job):
                continue
            self._seen.add(job.session_id)
            record = _parsed(job.payload.get("record"))
            states = self._pending.get(_digest_of(record)) if record is not None else None
            if states:
                changed.append(_set_outcome(states.popleft(), job))
            else:
                self._unmatched.append(job)
        left = [state for states in self._pending.values() for state in states]
        if left and len(left) == len(self._unmatched):
            # All jobs have ended, but the server has changed the content of these.
            self._match_by_identity(left)
            changed += left
        return changed

    def fail(self, error: errors.ProvError) -> list[RecordState]:
        """Give all records without an outcome the same error, and return them."""
        failed = [state for state in self.records if not state.has_outcome]
        for state in failed:
            state.error = error
        self._pending.clear()
        return failed

    def _match_by_identity(self, left: list[RecordState]) -> None:
        """Match the remaining records by fields that a server rarely changes, or by elimination."""
        jobs, self._unmatched = self._unmatched, []
        self._pending.clear()
        by_identity: dict[object, list[JobStatusTable]] = {}
        for job in jobs:
            identity = _identity(_parsed(job.payload.get("record")))
            by_identity.setdefault(identity, []).append(job)
        identities = Counter(_identity(state.record) for state in left)
        ambiguous = []
        for state in left:
            identity = _identity(state.record)
            if identities[identity] == len(by_identity.get(identity, ())) == 1:
                jobs.remove(by_identity[identity][0])
                _set_outcome(state, by_identity[identity][0])
            else:
                ambiguous.append(state)
        if len(ambiguous) == 1:
            _set_outcome(ambiguous.pop(), jobs[0])
        ids = ", ".join(job.session_id for job in jobs)
        for state in ambiguous:
            state.error = errors.JobError(
                "could not determine which job registers this record, since the server has changed"
                f" the content of batch {self.batch_id}: it is one of {ids}, and has ended",
                session_id=self.session_id,
            )


def _identity(record: ModelRunRecord | None) -> object:
    """The fields that identify a record even if a server rewrites the others."""
    if record is None:
        return None
    words = (record.display_name, record.workflow_template_id)
    return (*(word.strip() for word in words), record.start_time, record.end_time)


def _set_outcome(state: RecordState, job: JobStatusTable) -> RecordState:
    state.session_id = job.session_id
    state.error = job_results.failure_of(job)
    if state.error is None:
        try:
            state.handle = job_results.registered_model_run(job).handle
        except errors.InvalidResponseError as error:
            state.error = errors.JobFailedError(str(error), session_id=job.session_id, job=job)
    return state


def digest(records: Iterable[ModelRunRecord]) -> str:
    """Return the SHA-256 digest of records, in hexadecimal."""
    total = hashlib.sha256()
    for record in records:
        total.update(_digest_of(record))
    return total.hexdigest()


def submitted_digest(job: JobStatusTable) -> str | None:
    """Return the digest of the records that a job submits; ``None`` if it submits none."""
    if job.job_sub_type != JobSubType.MODEL_RUN_BATCH_SUBMIT:
        return None
    payload = job.payload.get("records")
    records = [_parsed(item) for item in payload] if isinstance(payload, list) else [None]
    found = [record for record in records if record is not None]
    return digest(found) if len(found) == len(records) else None


def _parsed(payload: object) -> ModelRunRecord | None:
    try:
        return msgspec.convert(payload, ModelRunRecord)
    except msgspec.ValidationError:
        return None


def _digest_of(record: ModelRunRecord) -> bytes:
    return hashlib.sha256(msgspec.json.encode(record, order="deterministic")).digest()


def refused_positions(error: errors.APIError) -> dict[int, str]:
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


def clock_offset(response: httpx.Response) -> float:
    """Return how many seconds the server's clock is ahead; 0 if the response has no date."""
    date = parse_http_date(response.headers.get("date", ""))
    return 0.0 if date is None else date - time.time()


def storable_text(value: object) -> str:
    """Return a value as text that a manifest can store as UTF-8."""
    return str(value).encode(errors="replace").decode()


def submission_unknown(
    chunk: Chunk, manifest: str | None, candidates: Sequence[str], reason: str
) -> errors.SubmissionUnknownError:
    """Return the error for a chunk that may or may not have been submitted.

    Args:
        chunk: The chunk.
        manifest: The path of the manifest; ``None`` if it is temporary.
        candidates: The jobs that may belong to the chunk.
        reason: Why it could not be determined.
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
        message += (
            f". To continue with the manifest {manifest!r}, pass resolutions="
            f"{{{chunk.number}: 'the session id'}}, or resolutions={{{chunk.number}: None}} if they"
            " were not submitted"
        )
    return errors.SubmissionUnknownError(
        message,
        chunk=chunk.number,
        first=chunk.first,
        count=chunk.count,
        candidates=candidates,
    )
