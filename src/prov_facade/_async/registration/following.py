"""Follows submitted batches until the outcome of each record is known."""

from __future__ import annotations

import time

from job_api_client.models import JobStatusTable
from prov_facade import errors
from prov_facade._async.jobs import JobsClient
from prov_facade._async.registration.recovery import Recovery
from prov_facade._jobs import results as job_results
from prov_facade._registration.batch import (
    InFlightBatch,
    RecordState,
    may_still_be_registered,
    submission_unknown,
)
from prov_facade._registration.manifest import Chunk, Manifest
from prov_facade._registration.options import RegistrationOptions
from prov_facade._runtime.aio.concurrency import run_shielded

_MAX_PAGE_SIZE = 100


class Following:
    """Follows submitted batches until the outcome of each record is known.

    Args:
        jobs: The user's jobs.
        recovery: Finds the jobs of a submission that has failed.
        manifest: The manifest.
        options: The options of the registration.

    Attributes:
        batches: The batches that are followed.
        broken_off: The batches whose open records have to be submitted again. They are no longer
            followed.
    """

    def __init__(
        self,
        jobs: JobsClient,
        recovery: Recovery,
        manifest: Manifest,
        options: RegistrationOptions,
    ) -> None:
        self._jobs = jobs
        self._recovery = recovery
        self._manifest = manifest
        self._options = options
        self.batches: list[InFlightBatch] = []
        self.broken_off: list[InFlightBatch] = []
        # Each decides once: it was found out about the submission of an earlier call.
        self._resolutions = dict(options.resolutions)
        self._reached = False

    def add(self, records: list[RecordState], chunk: Chunk, *, fruitless: bool = False) -> None:
        """Follow another batch.

        Args:
            records: The records of the chunk.
            chunk: The chunk.
            fruitless: Whether the submission before has not started any job.
        """
        batch = InFlightBatch(records, chunk, self._options.poller(), fruitless=fruitless)
        self.batches.append(batch)
        _schedule(batch)

    @property
    def due(self) -> list[InFlightBatch]:
        """The batches to be polled now."""
        return [batch for batch in self.batches if batch.next_poll <= time.monotonic()]

    @property
    def seconds_until_due(self) -> float:
        """The seconds until the next batch is due."""
        return max(0.0, min(batch.next_poll for batch in self.batches) - time.monotonic())

    async def poll(self, batch: InFlightBatch) -> list[RecordState]:
        """Fetch the jobs of a batch, and return the records whose outcome is now known.

        Raises:
            ProvError: If the jobs cannot be fetched, or the manifest cannot be written.
        """
        # Time without polling does not count: another chunk was being recovered, or the consumer
        # of the results was slow.
        batch.poller.extend(max(0.0, time.monotonic() - batch.next_poll))
        late = batch.poller.is_over
        try:
            changed = await self._update(batch)
        except errors.ProvError as error:
            if not batch.poller.tolerates(error, reached=self._reached):
                if not isinstance(error, errors.BadRequestError):
                    raise
                self.batches.remove(batch)
                return batch.fail(_not_found(batch, error))
            changed = []
        if changed:
            # As long as one batch makes progress, none of them times out.
            for other in self.batches:
                other.poller.restart()
        known = {
            state.index: state.outcome
            for state in changed
            if not may_still_be_registered(state.error)
        }
        if known and batch.waiting and not batch.given_up and batch.chunk.session_id is not None:
            number = batch.chunk.number
            batch.chunk = await run_shielded(self._manifest.known, number, known)
        if batch in self.broken_off:
            self.batches.remove(batch)
        elif not batch.waiting:
            self.batches.remove(batch)
            if batch.outcomes_are_final:
                outcomes = [state.outcome for state in batch.records]
                await run_shielded(self._manifest.done, batch.chunk.number, outcomes)
        elif late and not changed:
            self.batches.remove(batch)
            # Not stored as a failure: with the manifest, the next call waits for them again.
            return batch.fail(self._timed_out(batch))
        else:
            _schedule(batch)
        return changed

    async def _update(self, batch: InFlightBatch) -> list[RecordState]:
        session_id = batch.submitting
        if session_id is not None:
            job = await self._jobs.fetch(session_id, timeout=self._options.timeout)
            self._reached = True
            batch.poller.succeeded(progress=job_results.has_ended(job))
            failed = job_results.failure_of(job)
            if failed is not None:
                return await self._break_off(batch, job, failed)
            if not job_results.has_ended(job):
                return []
            try:
                batch_id = job_results.batch_id(job)
            except errors.InvalidResponseError as error:
                return await self._break_off(batch, job, error)
            batch.chunk = await run_shielded(self._manifest.batch, batch.chunk.number, batch_id)
        page_size = min(_MAX_PAGE_SIZE, len(batch.records))
        jobs = [
            job
            for batch_id in batch.batch_ids
            async for job in self._jobs.list_batch(
                batch_id, page_size=page_size, timeout=self._options.timeout
            )
        ]
        listed = {job.session_id for job in jobs}
        started = [state.session_id for state in batch.waiting if state.session_id is not None]
        jobs += [
            await self._jobs.fetch(session_id, timeout=self._options.timeout)
            for session_id in started
            if session_id not in listed
        ]
        self._reached = True
        batch.poller.succeeded(progress=False)
        return batch.update(jobs)

    async def _break_off(
        self, batch: InFlightBatch, job: JobStatusTable, fault: errors.ProvError
    ) -> list[RecordState]:
        """Find the jobs that a submission has started, and decide about the other records.

        The server starts the jobs of a batch one by one, and reports nothing about them if it
        cannot start one of them, or only late.

        Args:
            batch: The batch.
            job: The job that submits it, which has ended.
            fault: Its failure, or why its result cannot be used.
        """
        if batch.failed_at is None:
            batch.failed_at = time.monotonic()
        # Before the search: a job may appear while the search is under way.
        last = time.monotonic() >= batch.failed_at + self._options.recovery_timeout
        chunk = batch.chunk
        started = await self._recovery.find_started(chunk, job)
        missing = len(chunk.open_records) > len(started.jobs)
        if missing and not last:
            return []
        for state in batch.records:
            state.session_id = started.jobs.get(state.index, state.session_id)
        error: errors.ProvError | None = None
        has_failed = isinstance(fault, errors.JobFailedError)
        overruled = missing and self._resolutions.get(chunk.number, "") is None
        if missing and (started.doubtful or not has_failed) and not overruled:
            what = "has failed" if has_failed else f"has an unusable result ({fault})"
            reason = (
                f"the job {job.session_id} that submits them {what}, and may have started others"
            )
            path, jobs = self._manifest.path, started.doubtful
            error = submission_unknown(chunk, path, jobs, reason, broken_off=True)
            error.__cause__ = fault
        elif missing and has_failed and batch.fruitless and not started.jobs:
            error = fault
        if overruled:
            del self._resolutions[chunk.number]
        if error is not None:
            batch.given_up = True
            return batch.fail(error, only_open=True)
        batch.chunk = await run_shielded(
            self._manifest.broken_off, chunk.number, started.jobs, started.batch_id
        )
        if missing:
            batch.fruitless = not started.jobs
            self.broken_off.append(batch)
        return []

    def _timed_out(self, batch: InFlightBatch) -> errors.JobTimeoutError:
        batches = ", ".join(batch.batch_ids)
        session_id = batch.chunk.session_id or ""
        what = f"batch {batches}" if batches else "the job that submits this record"
        again = "make the same call again with the same manifest, or "
        return errors.JobTimeoutError(
            f"{what} made no progress within {self._options.polling.deadline:g} s. It may still"
            " continue, so do not register the record again:"
            f" {again if self._manifest.path else ''}see"
            f" jobs.wait_for_batch({session_id!r}) and jobs.list_batch",
            session_id=session_id,
        )


def _schedule(batch: InFlightBatch) -> None:
    batch.next_poll = time.monotonic() + batch.poller.next_wait()


def _not_found(batch: InFlightBatch, error: errors.BadRequestError) -> errors.JobNotFoundError:
    session_id = batch.chunk.session_id or ""
    return errors.JobNotFoundError(
        f"the job-api does not know job {session_id}, which submits this record ({error.detail})",
        session_id=session_id,
    )
