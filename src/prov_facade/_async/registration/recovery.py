"""Determines whether submissions without a response reached the server."""

from __future__ import annotations

import time
from contextlib import aclosing

from attrs import evolve

from prov_facade import errors
from prov_facade._async.jobs import JobsClient
from prov_facade._http.raw_responses import raw_responses
from prov_facade._http.transient import is_transient
from prov_facade._jobs.poller import Poller
from prov_facade._registration.batch import (
    clock_offset,
    storable_text,
    submission_unknown,
    submitted_digest,
)
from prov_facade._registration.manifest import Chunk, ChunkState, Manifest
from prov_facade._registration.options import RegistrationOptions
from prov_facade._runtime.aio.concurrency import run_shielded, sleep

NO_JOB = "the server has no job that submits it"

# How far the clocks of this machine and of the server may differ, in seconds.
_MAX_CLOCK_SKEW = 3600.0
# How far the clocks of the servers that create jobs may differ, in seconds.
_SERVER_CLOCK_SKEW = 60.0
# The precision of job timestamps and of the server's clock, in seconds.
_CLOCK_TOLERANCE = 3.0
# The minimum time to look for a job, regardless of clocks, in seconds.
_MIN_RECOVERY_TIME = 10.0
_MAX_PAGE_SIZE = 100


class Recovery:
    """Determines whether submissions without a response reached the server.

    Args:
        jobs: The user's jobs.
        manifest: The manifest.
        options: The options of the registration.
    """

    def __init__(self, jobs: JobsClient, manifest: Manifest, options: RegistrationOptions) -> None:
        self._jobs = jobs
        self._manifest = manifest
        self._options = options

    async def recover_all(self) -> None:
        """Determine whether interrupted submissions of earlier processes reached the server.

        Raises:
            InvalidRequestError: If a resolution of the user is wrong.
            SubmissionUnknownError: If it cannot be determined whether a chunk was submitted.
        """
        for chunk in await run_shielded(self._manifest.chunks, ChunkState.SUBMITTING):
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

    async def _check_resolution(self, chunk: Chunk, session_id: str) -> None:
        reason = ""
        if session_id in await run_shielded(self._manifest.session_ids):
            reason = "belongs to another chunk"
        else:
            try:
                job = await self._jobs.fetch(session_id, timeout=self._options.timeout)
            except (errors.BadRequestError, errors.InvalidRequestError) as error:
                raise _wrong_resolution(chunk, session_id, "does not exist") from error
            if submitted_digest(job) != chunk.digest:
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
        overall = Poller(self._options.polling)
        poller = Poller(evolve(self._options.polling, deadline=None))
        while True:
            last = time.monotonic() >= end
            try:
                found, earlier = await self._candidates(chunk)
            except errors.ProvError as error:
                if (overall.is_over and last) or not is_transient(error):
                    reason = f"your jobs could not be searched ({storable_text(error)})"
                    raise submission_unknown(chunk, self._manifest.path, (), reason) from error
                poller.last_error = error
                await sleep(poller.next_wait())
                continue
            poller.succeeded(progress=False)
            if len(found) == 1:
                return found[0]
            if found:
                reason = "several jobs contain the same records"
                raise submission_unknown(chunk, self._manifest.path, found, reason) from cause
            if last and earlier:
                reason = "earlier jobs contain the same records"
                raise submission_unknown(chunk, self._manifest.path, earlier, reason) from cause
            if last:
                return None
            await sleep(min(poller.next_wait(), max(0.0, end - time.monotonic())))

    async def _candidates(self, chunk: Chunk) -> tuple[list[str], list[str]]:
        """Find the jobs that submit the content of a chunk.

        Returns:
            Those created since the chunk was sent, and those from the hour before. The latter
            belong to another registration, unless a clock was wrong.
        """
        others = await run_shielded(self._manifest.session_ids)
        found: list[str] = []
        earlier: list[str] = []
        # Raised once a job of another chunk is found, which is older by the server's own clock.
        earliest = chunk.planned_at - _MAX_CLOCK_SKEW
        listed = self._jobs.list(page_size=_MAX_PAGE_SIZE, timeout=self._options.timeout)
        with raw_responses() as responses:
            async with aclosing(listed) as jobs:
                async for job in jobs:
                    if job.created_timestamp < earliest:
                        break
                    sent_at = chunk.planned_at + clock_offset(responses[-1])
                    if job.session_id in others:
                        earliest = max(earliest, job.created_timestamp - _SERVER_CLOCK_SKEW)
                    elif submitted_digest(job) == chunk.digest:
                        since = job.created_timestamp >= sent_at - _CLOCK_TOLERANCE
                        (found if since else earlier).append(job.session_id)
        return found, earlier


def _wrong_resolution(chunk: Chunk, session_id: str, reason: str) -> errors.InvalidRequestError:
    return errors.InvalidRequestError(
        f"resolutions assigns job {session_id!r} to chunk {chunk.number}, but this job {reason}",
        path="$.resolutions",
    )
