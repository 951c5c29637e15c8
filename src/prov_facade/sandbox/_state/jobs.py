"""The jobs of the sandbox: taken on at once, worked on in a thread of their own.

A job lives in the store, so that one that is not finished goes on after a restart. It passes
through PENDING, DEQUEUED and IN_PROGRESS, each for a settable time, and ends as SUCCEEDED or
FAILED.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from attrs import field, frozen

from prov_facade.sandbox._state.store import Store
from prov_facade.sandbox.faults import Faults

SEALED = "sealed"
"""Who had a job started, which payloads hold in a form that the server alone can read."""

_LOG = logging.getLogger("prov_facade.sandbox")
_AT_ONCE = 500
_NEXT = {"PENDING": "DEQUEUED", "DEQUEUED": "IN_PROGRESS"}
_COLUMNS = (
    "session_id, created, username, batch_id, payload, job_type, job_sub_type, status, info, result"
)


class FailedJobError(Exception):
    """A job that cannot be done. Its text is the job's ``info``."""


@frozen
class JobDelays:
    """How long a job takes over each step, in seconds.

    Attributes:
        hidden: How long the job-api does not know it yet.
        pending: How long it waits to be taken.
        dequeued: How long it waits to be begun.
        in_progress: How long it is worked on.
    """

    hidden: float = 0.02
    pending: float = 0.02
    dequeued: float = 0.01
    in_progress: float = 0.02


@frozen
class Job:
    """A job.

    Attributes:
        session_id: Its id.
        created: When it was taken on, in Unix seconds.
        username: Whose it is.
        batch_id: The batch that it is part of.
        payload: What is to be done.
        job_type: What kind of job it is.
        job_sub_type: What kind exactly.
        status: How far it has come.
        info: Why it failed.
        result: What came of it.
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

    def as_json(self) -> dict[str, Any]:
        """Lay the job out as the job-api does."""
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


@frozen
class Page:
    """Jobs, newest first, and where the next page starts."""

    jobs: list[Job]
    pagination_key: dict[str, Any] | None = field(default=None)


Work = Callable[[Job], dict[str, Any]]


class Jobs:
    """Takes jobs on and works on them.

    Args:
        store: Where they are kept.
        work: Does a job of a subtype and returns its result, or raises :class:`FailedJobError`.
        faults: Which jobs are to fail on demand.
        delays: Returns how long each step takes.
    """

    def __init__(
        self,
        store: Store,
        work: Mapping[str, Work],
        faults: Faults,
        delays: Callable[[], JobDelays],
    ) -> None:
        self._store = store
        self._work = work
        self._faults = faults
        self._delays = delays
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start or continue to process jobs."""
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
    ) -> list[str]:
        """Take jobs on, all or none.

        Returns:
            Their session ids, in the order of the payloads.
        """
        now, delays = time.time(), self._delays()
        due = now + delays.hidden + delays.pending
        ids = [str(uuid.uuid4()) for _ in payloads]
        with self._store.writing() as connection:
            connection.executemany(
                "INSERT INTO job (session_id, created, username, batch_id, payload, job_type,"
                " job_sub_type, status, due) VALUES (?, ?, ?, ?, ?, ?, ?, 'PENDING', ?)",
                [
                    (
                        session_id,
                        now,
                        username,
                        batch_id,
                        msgspec.json.encode(payload).decode(),
                        job_type,
                        job_sub_type,
                        due,
                    )
                    for session_id, payload in zip(ids, payloads, strict=True)
                ],
            )
        self._wake.set()
        return ids

    def find(self, session_id: str) -> Job | None:
        """Return a job, unless there is none or it is hidden yet."""
        rows = self._store.query(
            f"SELECT {_COLUMNS} FROM job WHERE session_id = :id AND created <= :seen",
            {"id": session_id, "seen": time.time() - self._delays().hidden},
        )
        return _job(rows[0]) if rows else None

    def exists(self, session_id: str) -> bool:
        """Whether there is a job of an id, hidden or not."""
        return bool(
            self._store.query("SELECT 1 FROM job WHERE session_id = :id", {"id": session_id})
        )

    def batch_is_shared(self, batch_id: str, username: str) -> bool:
        """Whether jobs of a batch are somebody else's."""
        return bool(
            self._store.query(
                "SELECT 1 FROM job WHERE batch_id = :id AND username <> :username LIMIT 1",
                {"id": batch_id, "username": username},
            )
        )

    def page(
        self,
        *,
        username: str | None = None,
        batch_id: str | None = None,
        before: int | None = None,
        limit: int,
    ) -> Page:
        """List jobs of a user or of a batch, newest first.

        Args:
            username: Whose.
            batch_id: Of which batch.
            before: The number of the last job of the page before.
            limit: How many at most.
        """
        rows = self._store.query(
            f"SELECT {_COLUMNS}, number FROM job"
            " WHERE (:username IS NULL OR username = :username)"
            " AND (:batch IS NULL OR batch_id = :batch)"
            " AND (:before IS NULL OR number < :before) AND created <= :seen"
            " ORDER BY number DESC LIMIT :limit",
            {
                "username": username,
                "batch": batch_id,
                "before": before,
                "seen": time.time() - self._delays().hidden,
                "limit": limit + 1,
            },
        )
        more = len(rows) > limit
        rows = rows[:limit]
        return Page([_job(row[:-1]) for row in rows], {"number": rows[-1][-1]} if more else None)

    def of_batch(self, batch_id: str) -> list[Job]:
        """Return every job of a batch, in the order of submission."""
        rows = self._store.query(
            f"SELECT {_COLUMNS} FROM job WHERE batch_id = :id ORDER BY number", {"id": batch_id}
        )
        return [_job(row) for row in rows]

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            wait = self._advance()
            if wait is None or wait > 0:
                self._wake.wait(wait)

    def _advance(self) -> float | None:
        """Take every job that is due one step on, and return the seconds until the next is due."""
        now = time.time()
        due = self._store.query(
            f"SELECT {_COLUMNS} FROM job WHERE due <= :now ORDER BY due, number LIMIT :limit",
            {"now": now, "limit": _AT_ONCE},
        )
        for row in due:
            if self._stopping:
                return None
            self._step(_job(row), now)
        ((next_due,),) = self._store.query("SELECT min(due) FROM job", {})
        return None if next_due is None else max(0.0, next_due - time.time())

    def _step(self, job: Job, now: float) -> None:
        if job.status in _NEXT:
            status = _NEXT[job.status]
            delays = self._delays()
            delay = delays.dequeued if status == "DEQUEUED" else delays.in_progress
            self._update(job, status, due=now + delay)
            return
        try:
            # At once, so that a job that was done and not marked is not done again after a crash.
            with self._store.writing():
                self._update(job, "SUCCEEDED", result=self._done(job))
        except FailedJobError as error:
            self._update(job, "FAILED", info=str(error))
        except Exception as error:  # noqa: BLE001  (whatever it is, the other jobs must go on)
            _LOG.error("Job %s failed in the sandbox itself", job.session_id, exc_info=error)
            self._update(job, "FAILED", info=f"The sandbox itself failed: {error!r}")

    def _done(self, job: Job) -> dict[str, Any]:
        failure = self._faults.next_job(job.job_sub_type)
        if failure is not None:
            raise FailedJobError(failure)
        return self._work[job.job_sub_type](job)

    def _update(
        self,
        job: Job,
        status: str,
        *,
        due: float | None = None,
        info: str | None = None,
        result: dict[str, Any] | None = None,
    ) -> None:
        encoded = None if result is None else msgspec.json.encode(result).decode()
        with self._store.writing() as connection:
            connection.execute(
                "UPDATE job SET status = ?, due = ?, info = ?, result = ? WHERE session_id = ?",
                (status, due, info, encoded, job.session_id),
            )


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
