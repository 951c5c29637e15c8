"""Registers any number of model runs, each of them once."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from prov_api_client.api.model_run import register_model_run
from prov_api_client.models import RegisterBatchModelRunRequest
from prov_facade import errors
from prov_facade._http.raw_responses import raw_responses
from prov_facade._http.requests import validate_request
from prov_facade._http.transient import is_transient, may_have_arrived
from prov_facade._jobs import results as job_results
from prov_facade._jobs.poller import Poller
from prov_facade._jobs.results import require_session_id
from prov_facade._registration.batch import (
    BulkProgress,
    BulkResult,
    InFlightBatch,
    RecordState,
    Scratch,
    clock_difference,
    digest,
    is_open,
    refused_positions,
    submitted_digest,
    unsettled,
)
from prov_facade._registration.manifest import Chunk, State
from prov_facade._runtime.aio.concurrency import each, run_shielded, sleep
from prov_facade.polling import PollPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prov_facade._async.client import ProvClient
    from prov_facade._async.settings import Timeout

# How far the clocks of this machine and of the server may be apart, in seconds.
_MAX_CLOCK_SKEW = 3600.0
# How far the clocks of the servers may be apart that take jobs on, in seconds.
_SERVER_CLOCK_SKEW = 60.0
# How exact the times of jobs and the clock of the server are, in seconds.
_CLOCK_TOLERANCE = 3.0
# How long a job is looked for at the least, whatever the clock says, in seconds.
_MIN_RECOVERY_TIME = 10.0
_LARGEST_PAGE = 100


@frozen(kw_only=True)
class RegistrationOptions:
    """How model runs are registered; see :meth:`ProvClient.register_many`."""

    chunk_size: int
    max_concurrent_batches: int
    recovery_timeout: float
    resolutions: Mapping[int, str | None]
    on_progress: Callable[[BulkProgress], object] | None
    polling: PollPolicy
    timeout: Timeout | None

    def __attrs_post_init__(self) -> None:
        for name in ("chunk_size", "max_concurrent_batches"):
            value: object = getattr(self, name)
            if type(value) is not int or value < 1:
                raise errors.InvalidRequestError(
                    f"{name} is a number, 1 or more, not {value!r}", path=f"$.{name}"
                )


class BulkRegistration:
    """A registration of many model runs: it reads, submits, follows, and remembers.

    It goes on in steps, one after the other: submit while there is room, look at the batches whose
    time has come, sleep until the next.

    Args:
        client: Sends and asks.
        options: How.
    """

    def __init__(self, client: ProvClient, options: RegistrationOptions) -> None:
        self._client = client
        self._options = options
        self._flights: list[InFlightBatch] = []
        self._progress = BulkProgress()
        # What keeps further records from being submitted. It is raised when nothing is on its way
        # any more: what becomes of that would be lost otherwise.
        self._stop_error: Exception | None = None

    async def results(
        self,
        records: Iterable[Any] | AsyncIterable[Any],
        manifest: str | os.PathLike[str] | None,
        prov_api: str,
    ) -> AsyncGenerator[BulkResult, None]:
        """Register records.

        Args:
            records: The records.
            manifest: The file that remembers; ``None`` for none that stays.
            prov_api: The address of the prov-api.

        Yields:
            What has become of each record.
        """
        self._scratch = Scratch(manifest, prov_api)
        try:
            # Within this block: who is cancelled meanwhile leaves nothing open.
            await run_shielded(self._scratch.open)
            self._manifest = self._scratch.manifest
            await self._settle_all()
            async with aclosing(each(records)) as source:
                number = 0
                reading = True
                while reading or self._flights:
                    while reading and len(self._flights) < self._options.max_concurrent_batches:
                        parts = await self._read(source, number)
                        for result in await self._launched(parts, number):
                            yield result
                        number += 1
                        reading = bool(parts) and self._stop_error is None
                    for flight in [one for one in self._flights if one.due <= time.monotonic()]:
                        for result in await self._look(flight):
                            yield result
                    if self._flights:
                        due = min(flight.due for flight in self._flights)
                        await sleep(max(0.0, due - time.monotonic()))
            if self._stop_error is not None:
                raise self._stop_error
        finally:
            await run_shielded(self._scratch.close)

    # Reading

    async def _read(self, source: AsyncIterator[Any], number: int) -> list[RecordState]:
        """Read the records of a chunk, and check each of them."""
        known = self._known(number)
        size = self._options.chunk_size if known is None else known.count
        first = self._progress.read
        parts: list[RecordState] = []
        while len(parts) < size:
            try:
                given = await anext(source)
            except StopAsyncIteration:
                break
            except Exception as error:  # noqa: BLE001  (raised in the end)
                self._stop_error = error
                return []
            parts.append(self._checked(given, first + len(parts)))
        self._advance(read=len(parts))
        return parts

    def _checked(self, given: object, index: int) -> RecordState:
        part = RecordState(index, given)
        request: Any = register_model_run.request(body=given)  # type: ignore[arg-type]
        try:
            part.record = validate_request(request).body
        except errors.InvalidRequestError as error:
            error.attach(
                errors.Call(f"record {index}", request.operation.method, request.operation.path)
            )
            part.error = error
        return part

    def _known(self, number: int) -> Chunk | None:
        chunks = self._manifest.chunks
        return chunks[number] if number < len(chunks) else None

    def _check_end(self, number: int) -> None:
        if number < len(self._manifest.chunks):
            raise self._mismatch(self._manifest.chunks[number])

    def _mismatch(self, chunk: Chunk) -> errors.ConfigError:
        last = chunk.first + chunk.count - 1
        return errors.ConfigError(
            f"the records {chunk.first} to {last} are not those that the manifest"
            f" {str(self._scratch.path)!r} knows: give the same records in the same order, and"
            " further ones behind them, or name another manifest"
        )

    # Submitting

    async def _launched(self, parts: list[RecordState], number: int) -> list[BulkResult]:
        try:
            if parts:
                return await self._launch(parts, number)
            if self._stop_error is None:
                self._check_end(number)
        except errors.ProvError as error:
            self._stop_error = error
        return []

    async def _launch(self, parts: list[RecordState], number: int) -> list[BulkResult]:
        """Submit a chunk, unless it has been, and return what is known of its records already."""
        known = self._known(number)
        if known is not None:
            self._compare(parts, known)
            if known.state is State.DONE:
                outcomes = await run_shielded(self._manifest.outcomes, number)
                for part, outcome in zip(parts, outcomes, strict=True):
                    part.recall(outcome)
                self._advance(submitted=sum(1 for part in parts if part.taken_on))
                return self._results(parts, resumed=True)
            if known.state is State.SUBMITTED:
                assert known.session_id is not None  # noqa: S101
                self._advance(submitted=sum(1 for part in parts if not part.settled))
                self._fly(parts, number, known.session_id, known.batch_id)
                return self._results([part for part in parts if part.settled])
        session_id = await self._submit(parts, number, again=known is not None)
        if session_id is not None:
            self._fly(parts, number, session_id)
        elif self._stop_error is None:
            await self._remember(parts, number)
        return self._results([part for part in parts if part.settled])

    def _compare(self, parts: list[RecordState], known: Chunk) -> None:
        """Check that a chunk is what the manifest knows, and take what it knows of it."""
        submitted = [part for part in parts if part.index not in known.left_out]
        records = [part.record for part in submitted if part.record is not None]
        if len(parts) != known.count or digest(records) != known.digest:
            raise self._mismatch(known)
        for part in parts:
            reason = known.refused.get(part.index)
            if reason is not None and part.error is None:
                part.error = errors.BadRequestError(reason)

    async def _submit(self, parts: list[RecordState], number: int, *, again: bool) -> str | None:
        """Submit a chunk once, and return the session id of its job; ``None`` if it has none."""
        rhythm = Poller(self._options.polling)
        while True:
            sent = [part for part in parts if not part.settled]
            known = self._known(number)
            if known is not None and known.all_refused:
                return None
            records = [part.record for part in sent if part.record is not None]
            chunk = await self._plan(parts, number, digest(records), again=again)
            again = True
            if not sent:
                await self._withdraw(chunk, "there is nothing to be sent", parts)
                return None
            try:
                answer = await self._client.register_batch_model_runs(
                    RegisterBatchModelRunRequest(records=records), timeout=self._options.timeout
                )
                session_id = require_session_id(answer.session_id, "register_batch_model_runs")
            except errors.ProvError as error:
                if may_have_arrived(error):
                    found = await self._settle(chunk, error)
                    if found is None:
                        await self._withdraw(chunk, "the server has no such job")
                        if rhythm.is_over:
                            self._stop_error = error
                            return None
                        await sleep(rhythm.next_wait())
                        continue
                    session_id = found
                elif self._refuse(sent, error):
                    await self._withdraw(chunk, str(error), [part for part in sent if part.error])
                    continue
                else:
                    await self._withdraw(chunk, str(error))
                    if not is_transient(error) or rhythm.is_over:
                        self._stop_error = error
                        return None
                    rhythm.last_error = error
                    await sleep(rhythm.next_wait())
                    continue
            await run_shielded(self._manifest.submitted, number, session_id)
            self._advance(submitted=len(sent))
            return session_id

    async def _plan(
        self, parts: list[RecordState], number: int, wanted: str, *, again: bool
    ) -> Chunk:
        now = time.time()
        if again:
            return await run_shielded(self._manifest.plan_again, number, wanted, now)
        return await run_shielded(self._manifest.plan, parts[0].index, len(parts), wanted, now)

    async def _withdraw(
        self, chunk: Chunk, reason: str, refused: Iterable[RecordState] = ()
    ) -> None:
        why = {part.index: _text(part.error) for part in refused}
        await run_shielded(self._manifest.not_submitted, chunk.number, _text(reason), why)

    def _refuse(self, sent: list[RecordState], error: errors.ProvError) -> bool:
        """Give the records that the server refuses their errors, and say whether there are any.

        Only those that it names: what it says of a batch as a whole may be said by a gateway, and
        may be otherwise tomorrow.
        """
        if not isinstance(error, errors.ValidationFailedError):
            return False
        for position, reason in refused_positions(error).items():
            if 0 <= position < len(sent):
                sent[position].error = _refusal(sent[position], reason)
        return any(part.error for part in sent)

    # Finding out what became of a submission that nobody saw the end of

    async def _settle_all(self) -> None:
        for chunk in self._manifest.chunks:
            if chunk.state is not State.SUBMITTING:
                continue
            if chunk.number in self._options.resolutions:
                session_id = self._options.resolutions[chunk.number]
                if session_id is not None:
                    await self._check_settled(chunk, session_id)
            else:
                session_id = await self._settle(chunk, None)
            if session_id is None:
                await self._withdraw(chunk, "the server has no such job")
            else:
                await run_shielded(self._manifest.submitted, chunk.number, session_id)

    async def _check_settled(self, chunk: Chunk, session_id: str) -> None:
        """Refuse a job that the user takes for that of a chunk, if it is not."""
        reason = ""
        if session_id in self._manifest.session_ids:
            reason = "is that of another chunk"
        else:
            try:
                job = await self._client.jobs.fetch(session_id, timeout=self._options.timeout)
            except (errors.BadRequestError, errors.InvalidRequestError) as error:
                raise _missettled(chunk, session_id, "is not known") from error
            if submitted_digest(job) != chunk.digest:
                reason = "does not submit these records"
        if reason:
            raise _missettled(chunk, session_id, reason)

    async def _settle(self, chunk: Chunk, cause: errors.ProvError | None) -> str | None:
        """Look for the job of a chunk among those of the user.

        Args:
            chunk: The chunk.
            cause: What its submission ended in, just now; ``None`` if that was in another process.

        Returns:
            Its session id; ``None`` if there is no such job, long enough after it was sent.

        Raises:
            SubmissionUnknownError: If that cannot be found out.
        """
        patience = self._options.recovery_timeout
        if cause is None:
            waited = max(0.0, time.time() - chunk.at)
            patience = max(patience - waited, min(patience, _MIN_RECOVERY_TIME))
        end = time.monotonic() + patience
        overall = Poller(self._options.polling)
        rhythm = Poller(evolve(self._options.polling, deadline=None))
        while True:
            last = time.monotonic() >= end
            try:
                found, doubtful = await self._candidates(chunk)
            except errors.ProvError as error:
                if (overall.is_over and last) or not is_transient(error):
                    reason = f"your jobs could not be looked through ({_text(error)})"
                    raise unsettled(chunk, self._scratch.path, (), reason) from error
                rhythm.last_error = error
                await sleep(rhythm.next_wait())
                continue
            rhythm.succeeded(progress=False)
            if len(found) == 1:
                return found[0]
            if found:
                reason = "several jobs hold the same records"
                raise unsettled(chunk, self._scratch.path, found, reason) from cause
            if last and doubtful:
                reason = "jobs from before then hold the same records"
                raise unsettled(chunk, self._scratch.path, doubtful, reason) from cause
            if last:
                return None
            await sleep(min(rhythm.next_wait(), max(0.0, end - time.monotonic())))

    async def _candidates(self, chunk: Chunk) -> tuple[list[str], list[str]]:
        """Find the jobs that submit what a chunk holds.

        Returns:
            Those that were started since it was sent, and those from the hour before. The latter
            are another registration's, unless a clock was wrong.
        """
        taken = self._manifest.session_ids
        found: list[str] = []
        doubtful: list[str] = []
        # By the clock of the server, once a job tells it: those of other chunks came earlier.
        earliest = chunk.at - _MAX_CLOCK_SKEW
        listed = self._client.jobs.list(page_size=_LARGEST_PAGE, timeout=self._options.timeout)
        with raw_responses() as responses:
            async with aclosing(listed) as jobs:
                async for job in jobs:
                    if job.created_timestamp < earliest:
                        break
                    sent_at = chunk.at + clock_difference(responses[-1])
                    if job.session_id in taken:
                        earliest = max(earliest, job.created_timestamp - _SERVER_CLOCK_SKEW)
                    elif submitted_digest(job) == chunk.digest:
                        since = job.created_timestamp >= sent_at - _CLOCK_TOLERANCE
                        (found if since else doubtful).append(job.session_id)
        return found, doubtful

    # Following

    def _fly(
        self, parts: list[RecordState], number: int, session_id: str, batch_id: str | None = None
    ) -> None:
        flight = InFlightBatch(parts, number, Poller(self._options.polling), session_id, batch_id)
        self._flights.append(flight)
        self._rest(flight)
        self._advance()

    def _rest(self, flight: InFlightBatch) -> None:
        flight.due = time.monotonic() + flight.rhythm.next_wait()

    async def _look(self, flight: InFlightBatch) -> list[BulkResult]:
        """Ask how far a batch is, and return what has newly become of its records."""
        # Time in which nobody looked does not count: another chunk was settled, or whoever takes
        # the results took their time.
        flight.rhythm.extend(max(0.0, time.monotonic() - flight.due))
        late = flight.rhythm.is_over
        try:
            settled = await self._news(flight)
        except errors.ProvError as error:
            if not flight.rhythm.tolerates(error):
                if not isinstance(error, errors.BadRequestError):
                    raise
                self._flights.remove(flight)
                return self._results(flight.fail(_unknown(flight, error)))
            settled = []
        if settled:
            # As long as anything comes of it, the jobs are waited for.
            for other in self._flights:
                other.rhythm.restart()
        if flight.over:
            self._flights.remove(flight)
            if not flight.unclear:
                await self._remember(flight.parts, flight.number)
        elif late and not settled:
            self._flights.remove(flight)
            # They are not remembered as failed: with the manifest, they are waited for again.
            late_error = _too_late(flight, self._options.polling, self._scratch.path)
            return self._results(flight.fail(late_error))
        else:
            self._rest(flight)
        return self._results(settled)

    async def _news(self, flight: InFlightBatch) -> list[RecordState]:
        if flight.batch_id is None:
            job = await self._client.jobs.fetch(flight.session_id, timeout=self._options.timeout)
            flight.rhythm.succeeded(progress=job_results.has_ended(job))
            failed = job_results.failure_of(job)
            if failed is not None:
                return flight.fail(failed)
            if not job_results.has_ended(job):
                return []
            flight.batch_id = job_results.batch_id(job)
            await run_shielded(self._manifest.batch, flight.number, flight.batch_id)
        page_size = min(_LARGEST_PAGE, len(flight.parts))
        jobs = [
            job
            async for job in self._client.jobs.list_batch(
                flight.batch_id, page_size=page_size, timeout=self._options.timeout
            )
        ]
        flight.rhythm.succeeded(progress=False)
        return flight.take(jobs)

    async def _remember(self, parts: list[RecordState], number: int) -> None:
        await run_shielded(self._manifest.done, number, [part.outcome for part in parts])

    # Telling

    def _results(self, parts: list[RecordState], *, resumed: bool = False) -> list[BulkResult]:
        results = [part.result(resumed=resumed) for part in parts]
        registered = sum(1 for result in results if result.error is None)
        open_still = sum(1 for result in results if is_open(result.error))
        if results:
            self._advance(registered=registered, failed=len(results) - registered - open_still)
        return results

    def _advance(
        self, *, read: int = 0, submitted: int = 0, registered: int = 0, failed: int = 0
    ) -> None:
        before = self._progress
        self._progress = evolve(
            before,
            read=before.read + read,
            submitted=before.submitted + submitted,
            registered=before.registered + registered,
            failed=before.failed + failed,
            batches=len(self._flights),
        )
        if self._options.on_progress is not None:
            self._options.on_progress(self._progress)


def _refusal(part: RecordState, reason: str) -> errors.BadRequestError:
    return errors.BadRequestError(f"record {part.index} was refused by the server: {reason}")


def _too_late(
    flight: InFlightBatch, polling: PollPolicy, manifest: object
) -> errors.JobTimeoutError:
    where = f"the batch {flight.batch_id}" if flight.batch_id else "the job that submits it"
    again = "" if manifest is None else "make the same call again, with the same manifest, or "
    return errors.JobTimeoutError(
        f"nothing came of {where} within {polling.deadline:g} s. It goes on, so do not register"
        f" the record again: {again}see jobs.wait_for_batch({flight.session_id!r}) and"
        " jobs.list_batch",
        session_id=flight.session_id,
    )


def _unknown(flight: InFlightBatch, error: errors.BadRequestError) -> errors.JobNotFoundError:
    return errors.JobNotFoundError(
        f"the job-api does not know the job {flight.session_id}, which submits this record"
        f" ({error.detail})",
        session_id=flight.session_id,
    )


def _missettled(chunk: Chunk, session_id: str, reason: str) -> errors.InvalidRequestError:
    return errors.InvalidRequestError(
        f"resolutions says that chunk {chunk.number} is the job {session_id!r}, which {reason}",
        path="$.resolutions",
    )


def _text(said: object) -> str:
    """What can be written into a manifest: text in UTF-8."""
    return str(said).encode(errors="replace").decode()
