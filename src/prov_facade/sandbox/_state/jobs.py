"""The jobs of the sandbox, processed in a separate thread.

Jobs are kept in the store, so that unfinished ones continue after a restart. A job passes through
PENDING, DEQUEUED and IN_PROGRESS, each for a configurable time, and ends as SUCCEEDED or FAILED.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec
from attrs import frozen

from prov_facade.sandbox._state.store import Store
from prov_facade.sandbox.faults import Faults

ENCRYPTED_USER_INFO = "sealed"
"""Placeholder for the user who started a job; on the server, only the server can read it."""

_LOG = logging.getLogger("prov_facade.sandbox")
_MAX_STEPS = 500
_NEXT_STATUS = {"PENDING": "DEQUEUED", "DEQUEUED": "IN_PROGRESS"}
_INFO = {
    "DEQUEUED": "Job removed from queue ready for processing by worker task.",
    "IN_PROGRESS": "Job has been dispatched to worker callback and is in progress.",
}
_BATCH_INFO = "Successfully distributed batch jobs to queue."
# Newest first by whole seconds. Jobs of the same second are in no meaningful order.
_ORDER = "CAST(created AS INTEGER) DESC, session_id DESC"
_COLUMNS = (
    "session_id, created, username, batch_id, payload, job_type, job_sub_type, status, info, result"
)


class Position(NamedTuple):
    """The position of a job in a list."""

    created_timestamp: int
    session_id: str


class FailedJobError(Exception):
    """A job that fails. The message is the ``info`` of the job."""


@frozen
class JobDelays:
    """How long a job stays in each state, in seconds.

    Attributes:
        hidden: How long the job is invisible to the job-api.
        pending: How long the job is PENDING after that.
        dequeued: How long the job is DEQUEUED.
        in_progress: How long the job is IN_PROGRESS.
    """

    hidden: float = 0.02
    pending: float = 0.02
    dequeued: float = 0.01
    in_progress: float = 0.02


@frozen
class Job:
    """A job.

    Attributes:
        session_id: The id.
        created: When it was created, in Unix seconds.
        username: The user who started it.
        batch_id: The batch that it belongs to.
        payload: The parameters.
        job_type: The kind of job.
        job_sub_type: The exact kind of job.
        status: The status.
        info: A message about the status, such as why the job failed.
        result: The result.
    """

    session_id: str
    created: float
    username: str
    batch_id: str | None
    payload: dict[str, Any]
    job_type: str
    job_sub_type: str
    status: str
    info: str | None
    result: dict[str, Any] | None

    @property
    def position(self) -> Position:
        """The position of the job in a list."""
        return Position(int(self.created), self.session_id)

    def as_json(self) -> dict[str, Any]:
        """Return the job in the format of the job-api."""
        return {
            "session_id": self.session_id,
            "created_timestamp": int(self.created),
            "username": self.username,
            "batch_id": self.batch_id,
            "payload": self.payload,
            "job_type": self.job_type,
            "job_sub_type": self.job_sub_type,
            "gsi_status": "ok",
            "status": self.status,
            "info": self.info,
            "result": self.result,
        }


Processor: TypeAlias = Callable[[Job], dict[str, Any] | FailedJobError]


class Jobs:
    """Creates and processes jobs.

    Args:
        store: Contains the jobs.
        processors: For each subtype, a function that processes a job and returns its result, or
            raises :class:`FailedJobError`. If it returns that error, what it has done stays.
        faults: Which jobs fail on demand.
        delays: Returns how long jobs stay in each state.
    """

    def __init__(
        self,
        store: Store,
        processors: Mapping[str, Processor],
        faults: Faults,
        delays: Callable[[], JobDelays],
    ) -> None:
        self._store = store
        self._processors = processors
        self._faults = faults
        self._delays = delays
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start or resume processing jobs."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="sandbox-jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the step in progress and stop. The other jobs stay in the store."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def dispatch(
        self,
        username: str,
        job_type: str,
        job_sub_type: str,
        payloads: list[dict[str, Any]],
        batch_id: str | None = None,
        *,
        delay: float = 0.0,
    ) -> list[str]:
        """Create jobs atomically.

        Args:
            username: The user who starts them.
            job_type: The kind of job.
            job_sub_type: The exact kind of job.
            payloads: The parameters of each.
            batch_id: The batch that they belong to.
            delay: When they are created, in seconds from now.

        Returns:
            The session ids, in the order of the payloads.
        """
        now, delays = time.time() + delay, self._delays()
        due = now + delays.hidden + delays.pending
        ids = [str(uuid.uuid4()) for _ in payloads]
        with self._store.transaction() as connection:
            connection.executemany(
                "INSERT INTO job (session_id, created, username, batch_id, payload, job_type,"
                " job_sub_type, status, due) VALUES (?, ?, ?, ?, ?, ?, ?, 'PENDING', ?)",
                [
                    (
                        session_id,
                        now,
                        username,
                        batch_id,
                        _encode(payload),
                        job_type,
                        job_sub_type,
                        due,
                    )
                    for session_id, payload in zip(ids, payloads, strict=True)
                ],
            )
        self._wake.set()
        return ids

    def dispatch_batch(
        self, username: str, payloads: list[dict[str, Any]], batch_id: str
    ) -> FailedJobError | None:
        """Create the jobs of a batch, or only some of them if a fault says so.

        Returns:
            The error of the job that submits the batch, if it fails.
        """
        kind = "PROV_LODGE", "MODEL_RUN_PROV_LODGE"
        broken = self._faults.next_batch()
        started = len(payloads) if broken is None else broken.started
        self.dispatch(username, *kind, payloads[:started], batch_id)
        if broken is None:
            return None
        if broken.late is not None:
            late = payloads[started : started + 1]
            self.dispatch(username, *kind, late, batch_id, delay=broken.late)
        return FailedJobError("Failed to launch a job of the batch: the job API did not respond.")

    def find(self, session_id: str) -> Job | None:
        """Return a job; ``None`` if it does not exist or is still hidden."""
        rows = self._store.query(
            f"SELECT {_COLUMNS} FROM job WHERE session_id = :id AND created <= :seen",
            {"id": session_id, "seen": time.time() - self._delays().hidden},
        )
        return _job(rows[0]) if rows else None

    def batch_is_shared(self, batch_id: str, username: str) -> bool:
        """Whether a batch contains jobs of other users."""
        return bool(
            self._store.query(
                "SELECT 1 FROM job WHERE batch_id = :id AND username <> :username LIMIT 1",
                {"id": batch_id, "username": username},
            )
        )

    def page(
        self,
        column: Literal["username", "batch_id"],
        value: str,
        *,
        after: Position | None = None,
        limit: int,
    ) -> tuple[list[Job], bool]:
        """Return a page of the jobs of a user or of a batch, newest first.

        Args:
            column: Whether to list the jobs of a user or of a batch.
            value: The user or the batch.
            after: The position of the last job of the previous page.
            limit: The maximum number of jobs.

        Returns:
            The jobs, and whether there are more.
        """
        created, session_id = after or (None, None)
        rows = self._store.query(
            f"SELECT {_COLUMNS} FROM job WHERE {column} = :value AND created <= :seen"
            " AND (:created IS NULL"
            " OR (CAST(created AS INTEGER), session_id) < (:created, :session_id))"
            f" ORDER BY {_ORDER} LIMIT :limit",
            {
                "value": value,
                "created": created,
                "session_id": session_id,
                "seen": time.time() - self._delays().hidden,
                "limit": limit + 1,
            },
        )
        return [_job(row) for row in rows[:limit]], len(rows) > limit

    def of_batch(self, batch_id: str) -> list[Job]:
        """Return all jobs of a batch, in the order of a list."""
        rows = self._store.query(
            f"SELECT {_COLUMNS} FROM job WHERE batch_id = :id ORDER BY {_ORDER}", {"id": batch_id}
        )
        return [_job(row) for row in rows]

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            wait = self._advance()
            if wait is None or wait > 0:
                self._wake.wait(wait)

    def _advance(self) -> float | None:
        """Advance each due job by one step, and return the seconds until the next job is due."""
        now = time.time()
        due = self._store.query(
            f"SELECT {_COLUMNS} FROM job WHERE due <= :now ORDER BY due, number LIMIT :limit",
            {"now": now, "limit": _MAX_STEPS},
        )
        for row in due:
            if self._stopping:
                return None
            self._step(_job(row), now)
        ((next_due,),) = self._store.query("SELECT min(due) FROM job", {})
        return None if next_due is None else max(0.0, next_due - time.time())

    def _step(self, job: Job, now: float) -> None:
        if job.status in _NEXT_STATUS:
            status = _NEXT_STATUS[job.status]
            delays = self._delays()
            delay = delays.dequeued if status == "DEQUEUED" else delays.in_progress
            self._update(job, status, due=now + delay, info=_INFO[status])
            return
        info = _BATCH_INFO if job.job_sub_type == "MODEL_RUN_BATCH_SUBMIT" else None
        try:
            # In one transaction, so that a crash cannot leave a processed job that is IN_PROGRESS
            # and would be processed again.
            with self._store.transaction():
                result = self._process(job)
                if isinstance(result, FailedJobError):
                    self._update(job, "FAILED", info=str(result))
                else:
                    self._update(job, "SUCCEEDED", info=info, result=result)
        except FailedJobError as error:
            self._update(job, "FAILED", info=str(error))
        except Exception as error:  # noqa: BLE001  (the other jobs must continue)
            _LOG.error("Job %s: internal error in the sandbox", job.session_id, exc_info=error)
            self._update(job, "FAILED", info=f"Internal error in the sandbox: {error!r}")

    def _process(self, job: Job) -> dict[str, Any] | FailedJobError:
        failure = self._faults.next_job(job.job_sub_type)
        if failure is not None:
            raise FailedJobError(failure)
        return self._processors[job.job_sub_type](job)

    def _update(
        self,
        job: Job,
        status: str,
        *,
        due: float | None = None,
        info: str | None = None,
        result: dict[str, Any] | None = None,
    ) -> None:
        encoded = None if result is None else _encode(result)
        with self._store.transaction() as connection:
            connection.execute(
                "UPDATE job SET status = ?, due = ?, info = ?, result = ? WHERE session_id = ?",
                (status, due, info, encoded, job.session_id),
            )


def _encode(value: dict[str, Any]) -> str:
    """Encode a payload or a result. Like the server, leave out unset fields."""
    return msgspec.json.encode(_without_nulls(value)).decode()


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _job(row: tuple[Any, ...]) -> Job:
    job_id, created, username, batch, payload, kind, sub_kind, status, info, result = row
    return Job(
        session_id=job_id,
        created=created,
        username=username,
        batch_id=batch,
        payload=msgspec.json.decode(payload),
        job_type=kind,
        job_sub_type=sub_kind,
        status=status,
        info=info,
        result=None if result is None else msgspec.json.decode(result),
    )
