"""Follows submitted batches until the outcome of each record is known."""

from __future__ import annotations

import time

from prov_facade import errors
from prov_facade._async.jobs import JobsClient
from prov_facade._jobs import results as job_results
from prov_facade._jobs.poller import Poller
from prov_facade._registration.batch import InFlightBatch, RecordState
from prov_facade._registration.manifest import Manifest
from prov_facade._registration.options import RegistrationOptions
from prov_facade._runtime.aio.concurrency import run_shielded

_MAX_PAGE_SIZE = 100


class Following:
    """Follows submitted batches until the outcome of each record is known.

    Args:
        jobs: The user's jobs.
        manifest: The manifest.
        options: The options of the registration.

    Attributes:
        batches: The batches that are followed.
    """

    def __init__(self, jobs: JobsClient, manifest: Manifest, options: RegistrationOptions) -> None:
        self._jobs = jobs
        self._manifest = manifest
        self._options = options
        self.batches: list[InFlightBatch] = []

    def add(
        self,
        records: list[RecordState],
        number: int,
        session_id: str,
        batch_id: str | None = None,
    ) -> None:
        """Follow another batch."""
        poller = Poller(self._options.polling)
        batch = InFlightBatch(records, number, poller, session_id, batch_id)
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
            if not batch.poller.tolerates(error):
                if not isinstance(error, errors.BadRequestError):
                    raise
                self.batches.remove(batch)
                return batch.fail(_not_found(batch, error))
            changed = []
        if changed:
            # As long as one batch makes progress, none of them times out.
            for other in self.batches:
                other.poller.restart()
        if batch.finished:
            self.batches.remove(batch)
            if batch.outcomes_are_final:
                outcomes = [state.outcome for state in batch.records]
                await run_shielded(self._manifest.done, batch.number, outcomes)
        elif late and not changed:
            self.batches.remove(batch)
            # Not stored as a failure: with the manifest, the next call waits for them again.
            return batch.fail(self._timed_out(batch))
        else:
            _schedule(batch)
        return changed

    async def _update(self, batch: InFlightBatch) -> list[RecordState]:
        if batch.batch_id is None:
            job = await self._jobs.fetch(batch.session_id, timeout=self._options.timeout)
            batch.poller.succeeded(progress=job_results.has_ended(job))
            failed = job_results.failure_of(job)
            if failed is not None:
                return batch.fail(failed)
            if not job_results.has_ended(job):
                return []
            batch.batch_id = job_results.batch_id(job)
            await run_shielded(self._manifest.batch, batch.number, batch.batch_id)
        page_size = min(_MAX_PAGE_SIZE, len(batch.records))
        jobs = [
            job
            async for job in self._jobs.list_batch(
                batch.batch_id, page_size=page_size, timeout=self._options.timeout
            )
        ]
        batch.poller.succeeded(progress=False)
        return batch.update(jobs)

    def _timed_out(self, batch: InFlightBatch) -> errors.JobTimeoutError:
        what = f"batch {batch.batch_id}" if batch.batch_id else "the job that submits this record"
        again = "make the same call again with the same manifest, or "
        return errors.JobTimeoutError(
            f"{what} made no progress within {self._options.polling.deadline:g} s. It continues, so"
            f" do not register the record again: {again if self._manifest.path else ''}see"
            f" jobs.wait_for_batch({batch.session_id!r}) and jobs.list_batch",
            session_id=batch.session_id,
        )


def _schedule(batch: InFlightBatch) -> None:
    batch.next_poll = time.monotonic() + batch.poller.next_wait()


def _not_found(batch: InFlightBatch, error: errors.BadRequestError) -> errors.JobNotFoundError:
    return errors.JobNotFoundError(
        f"the job-api does not know job {batch.session_id}, which submits this record"
        f" ({error.detail})",
        session_id=batch.session_id,
    )
