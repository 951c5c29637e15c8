"""Determines whether submissions without a response reached the server."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping

from attrs import evolve, field, frozen

from job_api_client.models import JobStatusTable, JobSubType
from prov_facade import errors
from prov_facade._async.job_search import SEARCH_PAGE_SIZE, jobs_since
from prov_facade._async.jobs import JobsClient
from prov_facade._http.transient import is_transient
from prov_facade._registration.batch import storable_text, submission_unknown
from prov_facade._registration.manifest import Chunk, ChunkState, Manifest, StoredRecord
from prov_facade._registration.options import RegistrationOptions
from prov_facade._registration.recognition import Fingerprint, record_fingerprint, submits
from prov_facade._runtime.aio.concurrency import run_shielded, sleep

NO_JOB = "the server has no job that submits it"

# How long to look for a job at least, regardless of clocks, in seconds.
_MIN_RECOVERY_TIME = 10.0
# How long the list of the user's jobs may be read at least, in seconds.
_MIN_SEARCH_TIME = 60.0


@frozen
class _Candidates:
    """Jobs that may submit a chunk.

    Attributes:
        since: Those with its content, created since it was sent.
        earlier: Those with its content that may have been created before.
        similar: Those that cannot be ruled out, although they show other content.
    """

    since: list[str] = field(factory=list)
    earlier: list[str] = field(factory=list)
    similar: list[str] = field(factory=list)


@frozen
class StartedJobs:
    """The jobs that a submission started before it failed.

    Attributes:
        jobs: The jobs, by the index of the record that each registers.
        batch_id: Their batch, if it is known.
        doubtful: Jobs that may register other records of the chunk.
    """

    jobs: dict[int, str]
    batch_id: str | None
    doubtful: list[str]


class Recovery:
    """Determines what reached the server, from the list of the user's jobs.

    Args:
        jobs: The user's jobs.
        manifest: The manifest.
        options: The options of the registration.
    """

    def __init__(self, jobs: JobsClient, manifest: Manifest, options: RegistrationOptions) -> None:
        self._jobs = jobs
        self._manifest = manifest
        self._options = options
        self._reached = False

    async def recover_all(self) -> None:
        """Determine whether interrupted submissions of earlier processes reached the server.

        Raises:
            InvalidRequestError: If a resolution of the user is wrong.
            SubmissionUnknownError: If it cannot be determined whether a chunk was submitted.
        """
        for chunk in await run_shielded(self._submitting):
            if chunk.number in self._options.resolutions:
                session_id = self._options.resolutions[chunk.number]
                if session_id is not None:
                    await self._check_resolution(chunk, session_id)
            else:
                session_id = await self.find_job(chunk, None)
            if session_id is None:
                await run_shielded(self._manifest.not_submitted, chunk.number, NO_JOB, {})
            else:
                await run_shielded(self._manifest.submitted, chunk.number, session_id)

    def _submitting(self) -> list[Chunk]:
        return list(self._manifest.chunks(ChunkState.SUBMITTING))

    async def _check_resolution(self, chunk: Chunk, session_id: str) -> None:
        reason = ""
        if session_id in await run_shielded(self._manifest.session_ids):
            reason = "belongs to another chunk"
        else:
            try:
                job = await self._jobs.fetch(session_id, timeout=self._options.timeout)
            except (errors.BadRequestError, errors.InvalidRequestError) as error:
                raise _wrong_resolution(chunk, session_id, "does not exist") from error
            if submits(job, _submitted(chunk)) is False:
                reason = "does not submit these records"
        if reason:
            raise _wrong_resolution(chunk, session_id, reason)

    async def find_job(self, chunk: Chunk, cause: errors.ProvError | None) -> str | None:
        """Look for the job of a chunk among the user's jobs.

        Args:
            chunk: The chunk.
            cause: The error of its submission; ``None`` if an earlier process submitted it.

        Returns:
            Its session id; ``None`` if no such job has appeared in time.

        Raises:
            SubmissionUnknownError: If that cannot be determined.
        """
        timeout = self._options.recovery_timeout
        if cause is None:
            elapsed = max(0.0, time.time() - chunk.planned_at)
            timeout = max(timeout - elapsed, min(timeout, _MIN_RECOVERY_TIME))
        end = time.monotonic() + timeout
        overall = self._options.poller()
        patient = evolve(self._options, polling=evolve(self._options.polling, deadline=None))
        poller = patient.poller()
        while True:
            last = time.monotonic() >= end
            try:
                found = await self._candidates(chunk, end)
            except errors.ProvError as error:
                if (overall.is_over and last) or not is_transient(error, reached=self._reached):
                    reason = f"your jobs could not be searched ({storable_text(error)})"
                    raise submission_unknown(chunk, self._manifest.path, (), reason) from error
                poller.last_error = error
                await sleep(poller.next_wait())
                continue
            poller.succeeded(progress=False)
            self._reached = True
            if len(found.since) == 1:
                return found.since[0]
            reason, candidates = _doubt(found, last=last)
            if candidates:
                raise submission_unknown(chunk, self._manifest.path, candidates, reason) from cause
            if last:
                return None
            await sleep(min(poller.next_wait(), max(0.0, end - time.monotonic())))

    def _list_jobs(self) -> AsyncGenerator[JobStatusTable, None]:
        return self._jobs.list(page_size=SEARCH_PAGE_SIZE, timeout=self._options.timeout)

    async def _candidates(self, chunk: Chunk, end: float) -> _Candidates:
        """Find the jobs that submit the content of a chunk, or may do so."""
        others = await run_shielded(self._manifest.session_ids)
        # A chunk that has broken off may have been submitted again after this one.
        earlier = await run_shielded(self._manifest.session_ids, chunk.planned_at)
        submitted = _submitted(chunk)
        found = _Candidates()
        async for job, since in jobs_since(
            self._list_jobs(),
            chunk.planned_at,
            end=max(end, time.monotonic() + _MIN_SEARCH_TIME),
            known=others,
            earlier=earlier,
        ):
            verdict = submits(job, submitted)
            if verdict:
                (found.since if since else found.earlier).append(job.session_id)
            elif verdict is None:
                found.similar.append(job.session_id)
        return found

    async def find_started(self, chunk: Chunk, submission: JobStatusTable) -> StartedJobs:
        """Look for the jobs that a failed submission has started, by their content.

        Args:
            chunk: The chunk.
            submission: The job that has failed.

        Raises:
            ProvError: If the user's jobs cannot be listed.
        """
        others: set[str | None] = {*await run_shielded(self._manifest.batch_ids)}
        own = {batch.session_id for batch in chunk.batches}
        open_records = {
            index: record
            for index, record in enumerate(chunk.records, chunk.first)
            if record.is_open
        }
        digests = {record.digest for record in open_records.values()}
        submitted = _submitted(chunk)
        found: list[tuple[JobStatusTable, Fingerprint | None]] = []
        # Whether another batch, whose jobs cannot be told apart, may have the same records.
        has_rival = False
        async for job, since in jobs_since(
            self._list_jobs(),
            submission.created_timestamp,
            end=time.monotonic() + _MIN_SEARCH_TIME,
            by_server=True,
        ):
            if job.job_sub_type == JobSubType.MODEL_RUN_BATCH_SUBMIT:
                if job.session_id not in own:
                    batch_id = (job.result or {}).get("batch_id")
                    others.add(batch_id)
                    has_rival |= batch_id is None and submits(job, submitted) is not False
            elif job.job_sub_type == JobSubType.MODEL_RUN_PROV_LODGE and since is not False:
                found.append((job, record_fingerprint(job)))
                has_rival |= since is None
        found = [(job, read) for job, read in found if job.batch_id not in others - {None}]
        batches = {job.batch_id for job, read in found if read and read.digest in digests}
        if len(batches) > 1 or None in batches or (has_rival and batches):
            doubtful = [job.session_id for job, read in found if job.batch_id in batches]
            return StartedJobs({}, None, doubtful)
        batch_id = next(iter(batches), None)
        if batch_id is not None:
            found = [(job, read) for job, read in found if job.batch_id == batch_id]
        jobs, doubtful = _matched(open_records, found)
        return StartedJobs(jobs, batch_id, doubtful)


def _submitted(chunk: Chunk) -> list[Fingerprint]:
    return [
        Fingerprint(record.digest, record.identity)
        for record in chunk.open_records
        if record.digest is not None and record.identity is not None
    ]


def _doubt(found: _Candidates, *, last: bool) -> tuple[str, list[str]]:
    """Return why a search has no result, and the jobs concerned, if it cannot have one."""
    if found.since:
        return "several jobs contain the same records", found.since
    if last and found.earlier:
        return "earlier jobs contain the same records", found.earlier
    if last and found.similar:
        return "other jobs may contain these records in another form", found.similar
    return "", []


def _matched(
    open_records: Mapping[int, StoredRecord], found: list[tuple[JobStatusTable, Fingerprint | None]]
) -> tuple[dict[int, str], list[str]]:
    """Match records with jobs by content, and those that remain by their identity.

    Returns:
        The jobs by the index of the record, and the jobs that may register any of the others.
    """
    jobs: dict[int, str] = {}
    remaining: list[tuple[str, bytes | None]] = []
    by_digest: dict[bytes | None, list[int]] = {}
    for index, record in open_records.items():
        by_digest.setdefault(record.digest, []).append(index)
    for job, read in found:
        equal = by_digest.get(read.digest) if read is not None else None
        if equal:
            jobs[equal.pop(0)] = job.session_id
        else:
            remaining.append((job.session_id, None if read is None else read.identity))
    left = {index: one.identity for index, one in open_records.items() if index not in jobs}
    records, rest = Counter(left.values()), Counter(identity for _, identity in remaining)
    doubtful = []
    for session_id, identity in remaining:
        if identity is not None and records[identity] == rest[identity] == 1:
            jobs[next(index for index in left if left[index] == identity)] = session_id
        elif identity is None or identity in records:
            doubtful.append(session_id)
    return jobs, doubtful


def _wrong_resolution(chunk: Chunk, session_id: str, reason: str) -> errors.InvalidRequestError:
    return errors.InvalidRequestError(
        f"resolutions assigns job {session_id!r} to chunk {chunk.number}, but this job {reason}",
        path="$.resolutions",
    )
