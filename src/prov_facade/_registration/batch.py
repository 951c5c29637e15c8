"""The parts of a long registration that need no network: chunks, their jobs, what came of them."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
from attrs import define, field, frozen

from job_api_client.models import JobStatusTable, JobSubType
from prov_api_client.models import ModelRunRecord
from prov_facade import errors
from prov_facade._jobs import results as job_results
from prov_facade._jobs.poller import Poller
from prov_facade._registration.manifest import Chunk, Manifest, Outcome

# What becomes of a record for good, and so stands in a manifest.
_KINDS: dict[str, type[errors.ProvError]] = {
    kind.__name__: kind
    for kind in (errors.InvalidRequestError, errors.JobFailedError, errors.BadRequestError)
}


@frozen
class BulkResult:
    """What has become of one record.

    Attributes:
        index: Its position in the input, from 0 on.
        record: The record as it was given.
        handle: The id of the model run; ``None`` if it is not registered.
        session_id: The job that registers it; ``None`` if there is none.
        error: Why it is not registered; ``None`` if it is. A :class:`JobTimeoutError` says that it
            may yet be.
        resumed: Whether the manifest had it already.
    """

    index: int
    record: Any
    handle: str | None = None
    session_id: str | None = None
    error: errors.ProvError | None = None
    resumed: bool = False


@frozen
class BulkProgress:
    """How far a long registration is.

    Attributes:
        read: How many records were taken from the input.
        submitted: How many the server has been given.
        registered: How many are registered.
        failed: How many are not, for good.
        batches: How many batches are being worked on.
    """

    read: int = 0
    submitted: int = 0
    registered: int = 0
    failed: int = 0
    batches: int = 0


@define
class RecordState:
    """A record of a chunk.

    Attributes:
        index: Its position in the input.
        given: The record as it was given.
        record: The record as it is sent; ``None`` if it cannot be.
        error: Why it is not registered, once that is known.
        handle: The id of the model run, once it is known.
        session_id: The job that registers it, once it is known.
    """

    index: int
    given: Any
    record: ModelRunRecord | None = None
    error: errors.ProvError | None = None
    handle: str | None = None
    session_id: str | None = None

    @property
    def taken_on(self) -> bool:
        """Whether it was submitted, if what became of it is known."""
        return not isinstance(self.error, errors.InvalidRequestError | errors.APIError)

    @property
    def settled(self) -> bool:
        """Whether it is known what has become of it."""
        return self.handle is not None or self.error is not None

    @property
    def outcome(self) -> Outcome:
        """What has become of it, for the manifest."""
        if self.error is None:
            return Outcome(self.session_id, self.handle, None, None)
        kind = next(name for name, kind in _KINDS.items() if isinstance(self.error, kind))
        # What is no text in UTF-8 could not be written.
        text = str(self.error).encode(errors="replace").decode()
        return Outcome(self.session_id, None, text, kind)

    def recall(self, outcome: Outcome) -> None:
        """Take what the manifest knows of it."""
        self.session_id, self.handle = outcome.session_id, outcome.handle
        if outcome.error is not None:
            self.error = _recalled(outcome)

    def result(self, *, resumed: bool = False) -> BulkResult:
        """Say what has become of it."""
        return BulkResult(self.index, self.given, self.handle, self.session_id, self.error, resumed)


def is_open(error: errors.ProvError | None) -> bool:
    """Say whether a record that ended in an error may yet be registered by its job."""
    return isinstance(error, errors.JobError) and not isinstance(error, errors.JobFailedError)


def _recalled(outcome: Outcome) -> errors.ProvError:
    kind = _KINDS.get(outcome.error_kind or "", errors.ProvError)
    message = outcome.error or ""
    if issubclass(kind, errors.JobError):
        return kind(message, session_id=outcome.session_id or "")
    return kind(message)


@define
class InFlightBatch:
    """A chunk on its way.

    Attributes:
        parts: Its records.
        number: Its number in the manifest.
        rhythm: When the job-api is asked about it.
        session_id: The job that submits its records.
        batch_id: What they are registered under, once that is known.
        due: When the job-api is to be asked next, on the monotonic clock.
    """

    parts: list[RecordState]
    number: int
    rhythm: Poller
    session_id: str
    batch_id: str | None = None
    due: float = 0.0
    _waiting: dict[bytes, deque[RecordState]] = field(factory=dict, init=False)
    _seen: set[str] = field(factory=set, init=False)
    _strangers: list[JobStatusTable] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        for part in self.parts:
            if not part.settled and part.record is not None:
                self._waiting.setdefault(_key(part.record), deque()).append(part)

    @property
    def unclear(self) -> bool:
        """Whether it cannot be found out what has become of some record."""
        return any(is_open(part.error) for part in self.parts)

    @property
    def over(self) -> bool:
        """Whether it is known what has become of every record."""
        return all(part.settled for part in self.parts)

    def take(self, jobs: Iterable[JobStatusTable]) -> list[RecordState]:
        """Take the jobs of its batch as they are now.

        Records are told by what they hold: the batch lists its jobs in no order that could be
        relied on. Records that are equal may have each other's jobs.

        Returns:
            The records of which it is known only now what has become of them.
        """
        settled = []
        for job in jobs:
            if job.session_id in self._seen or not job_results.has_ended(job):
                continue
            self._seen.add(job.session_id)
            part = self._part_of(job)
            if part is None:
                self._strangers.append(job)
            else:
                settled.append(_settle(part, job))
        left = [part for parts in self._waiting.values() for part in parts]
        if left and len(left) == len(self._strangers):
            # All have ended, and the server has changed what they hold.
            settled += self._match_by_identity(left)
        return settled

    def fail(self, error: errors.ProvError) -> list[RecordState]:
        """Give all records that are on their way the same error."""
        failed = [part for part in self.parts if not part.settled]
        for part in failed:
            part.error = error
        self._waiting.clear()
        return failed

    def _part_of(self, job: JobStatusTable) -> RecordState | None:
        record = _record(job.payload.get("record"))
        parts = self._waiting.get(_key(record)) if record is not None else None
        return parts.popleft() if parts else None

    def _match_by_identity(self, left: list[RecordState]) -> list[RecordState]:
        """Find the jobs of the last records by what hardly changes; by elimination if need be."""
        strangers, self._strangers = self._strangers, []
        self._waiting.clear()
        named: dict[object, list[JobStatusTable]] = {}
        for job in strangers:
            named.setdefault(_name(_record(job.payload.get("record"))), []).append(job)
        names = Counter(_name(part.record) for part in left)
        unclear = []
        for part in left:
            name = _name(part.record)
            if names[name] == len(named.get(name, ())) == 1:
                strangers.remove(named[name][0])
                _settle(part, named[name][0])
            else:
                unclear.append(part)
        if len(unclear) == 1:
            _settle(unclear[0], strangers[0])
            unclear = []
        ids = ", ".join(job.session_id for job in strangers)
        for part in unclear:
            part.error = errors.JobError(
                f"which job of the batch {self.batch_id} is that of this record cannot be told:"
                f" the server has changed what it holds. It has ended, and is one of {ids}",
                session_id=self.session_id,
            )
        return left


def _name(record: ModelRunRecord | None) -> object:
    """What a record is known by, however a server may write the rest of it."""
    if record is None:
        return None
    words = (record.display_name, record.workflow_template_id)
    return (*(word.strip() for word in words), record.start_time, record.end_time)


def _settle(part: RecordState, job: JobStatusTable) -> RecordState:
    part.session_id = job.session_id
    part.error = job_results.failure_of(job)
    if part.error is None:
        try:
            part.handle = job_results.registered_model_run(job).handle
        except errors.InvalidResponseError as error:
            part.error = errors.JobFailedError(str(error), session_id=job.session_id, job=job)
    return part


def digest(records: Iterable[ModelRunRecord]) -> str:
    """Return the SHA-256 of records, in hexadecimal digits."""
    found = hashlib.sha256()
    for record in records:
        found.update(_key(record))
    return found.hexdigest()


def submitted_digest(job: JobStatusTable) -> str | None:
    """Return the digest of the records that a job submits; ``None`` if it submits none."""
    if job.job_sub_type != JobSubType.MODEL_RUN_BATCH_SUBMIT:
        return None
    given = job.payload.get("records")
    records = [_record(one) for one in given] if isinstance(given, list) else [None]
    found = [record for record in records if record is not None]
    return digest(found) if len(found) == len(records) else None


def _record(payload: object) -> ModelRunRecord | None:
    try:
        return msgspec.convert(payload, ModelRunRecord)
    except msgspec.ValidationError:
        return None


def _key(record: ModelRunRecord) -> bytes:
    return hashlib.sha256(msgspec.json.encode(record, order="deterministic")).digest()


def refused_positions(error: errors.APIError) -> dict[int, str]:
    """Read which records of a batch the server refuses, and why; nothing if it does not say so."""
    if not isinstance(error, errors.ValidationFailedError):
        return {}
    found: dict[int, str] = {}
    for entry in error.errors:
        match entry.loc:
            case ["body", "records", int(position), *rest]:
                where = ".".join(map(str, rest))
                said = f"{where}: {entry.msg}" if where else entry.msg
                found[position] = f"{found[position]}; {said}" if position in found else said
            case _:
                return {}
    return found


def clock_difference(response: httpx.Response) -> float:
    """Say how many seconds the clock of the server is ahead of this one, as far as it tells."""
    try:
        date = parsedate_to_datetime(response.headers["date"])
    except (KeyError, ValueError):
        return 0.0
    return date.timestamp() - time.time()


class Scratch:
    """The manifest of a registration: a file, or one for the time being.

    Args:
        path: The file; ``None`` for one that goes at the end.
        prov_api: The address of the prov-api.

    Attributes:
        path: The file; ``None`` for one that goes at the end.
        manifest: The manifest, once it is open.
    """

    manifest: Manifest

    def __init__(self, path: str | os.PathLike[str] | None, prov_api: str) -> None:
        self.path = path
        self._prov_api = prov_api
        self._stack = ExitStack()

    def open(self) -> None:
        """Open the manifest, until :meth:`close`, which is due also if this fails.

        Raises:
            ConfigError: If the manifest cannot be used.
            FileError: If the system refuses it.
        """
        path = self.path
        if path is None:
            folder = tempfile.TemporaryDirectory(prefix="prov-facade-")
            path = Path(self._stack.enter_context(folder)) / "manifest"
        self.manifest = self._stack.enter_context(Manifest(path, self._prov_api))

    def close(self) -> None:
        """Close the manifest."""
        self._stack.close()


def unsettled(
    chunk: Chunk, path: object, candidates: Iterable[str], reason: str
) -> errors.SubmissionUnknownError:
    """Make the error for a chunk of which nobody knows whether it was submitted."""
    found = list(candidates)
    last = chunk.first + chunk.count - 1
    jobs = f" The jobs that may be its own: {', '.join(found)}." if found else ""
    return errors.SubmissionUnknownError(
        f"whether the records {chunk.first} to {last} (chunk {chunk.number}) were submitted at"
        f" {_when(chunk.at)} is not known: {reason}.{jobs} They were not sent again. Look at your"
        " jobs before you do"
        + (
            f". With the manifest {str(path)!r}, go on with resolutions={{{chunk.number}: 'the"
            f" session id'}}, or with resolutions={{{chunk.number}: None}} if they were not"
            " submitted"
            if path is not None
            else ""
        ),
        chunk=chunk.number,
        first=chunk.first,
        count=chunk.count,
        candidates=found,
    )


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
