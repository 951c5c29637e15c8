"""Reads records, submits them in chunks, and returns the result of each."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import ExitStack, aclosing
from functools import partial
from typing import Any

from attrs import evolve

from prov_facade import errors
from prov_facade._async.jobs import JobsClient
from prov_facade._async.registration.following import Following
from prov_facade._async.registration.recovery import Recovery
from prov_facade._async.registration.sources import Part, in_order
from prov_facade._async.registration.submission import Submission, Submit
from prov_facade._registration.batch import (
    BulkProgress,
    BulkResult,
    InFlightBatch,
    RecordState,
    may_still_be_registered,
)
from prov_facade._registration.manifest import Chunk, ChunkState, Manifest
from prov_facade._registration.options import RegistrationOptions
from prov_facade._runtime.aio.concurrency import run_shielded, sleep


async def register_records(
    records: Iterable[Any] | AsyncIterable[Any],
    manifest: str | os.PathLike[str] | None,
    prov_api: str,
    *,
    submit: Submit,
    jobs: JobsClient,
    options: RegistrationOptions,
) -> AsyncGenerator[BulkResult, None]:
    """Register records.

    Args:
        records: The records.
        manifest: The file of the manifest; ``None`` for a temporary one.
        prov_api: The URL of the prov-api.
        submit: Submits a batch.
        jobs: The user's jobs.
        options: The options of the registration.

    Yields:
        The result of each record.
    """
    stack = ExitStack()
    try:
        # Opened within this block, so that a cancelled task leaves nothing open.
        open_manifest = await run_shielded(partial(_open, stack, manifest, prov_api))
        registration = Registration(open_manifest, submit, jobs, options)
        source = in_order(records, open_manifest, options)
        async with aclosing(registration.results(source)) as results:
            async for result in results:
                yield result
    finally:
        await run_shielded(stack.close)


def _open(stack: ExitStack, path: str | os.PathLike[str] | None, prov_api: str) -> Manifest:
    return stack.enter_context(Manifest(path, prov_api))


class Registration:
    """A registration of many records.

    It works in a loop: submit chunks up to the limit, poll the batches that are due, sleep until
    the next one is due.
    """

    def __init__(
        self, manifest: Manifest, submit: Submit, jobs: JobsClient, options: RegistrationOptions
    ) -> None:
        self._manifest = manifest
        self._options = options
        self._recovery = Recovery(jobs, manifest, options)
        self._submission = Submission(submit, self._recovery, manifest, options)
        self._following = Following(jobs, self._recovery, manifest, options)
        self._progress = BulkProgress()
        # Why no further records are submitted. It is raised when no batch is in flight any more:
        # otherwise their results would be lost.
        self._stop_error: Exception | None = None

    async def results(self, source: AsyncGenerator[Part, None]) -> AsyncGenerator[BulkResult, None]:
        """Register what a source yields.

        Args:
            source: Reads the records; see :mod:`~prov_facade._async.registration.sources`.

        Yields:
            The result of each record.
        """
        await self._recovery.recover_all()
        following = self._following
        async with aclosing(source) as parts:
            reading = True
            while reading or following.batches:
                while reading and len(following.batches) < self._options.max_concurrent_batches:
                    try:
                        states, chunk = await anext(parts)
                    except StopAsyncIteration:
                        reading = False
                    except Exception as error:  # noqa: BLE001  (raised in the end)
                        self._stop_error = error
                        reading = False
                    else:
                        self._report_progress(read=len(states))
                        for result in await self._start(states, chunk):
                            yield result
                        reading = self._stop_error is None
                for batch in following.due:
                    for result in self._results(await following.poll(batch)):
                        yield result
                while following.broken_off and self._stop_error is None:
                    batch = following.broken_off.pop()
                    for result in await self._submit(batch.records, batch.chunk, batch):
                        yield result
                if following.batches:
                    await sleep(following.seconds_until_due)
        if self._stop_error is not None:
            raise self._stop_error

    async def _start(self, states: list[RecordState], chunk: Chunk | None) -> list[BulkResult]:
        """Submit a chunk, unless it was submitted, and return the results known by then."""
        if chunk is None:
            return await self._submit(states, None)
        for state, stored in zip(states, chunk.records, strict=True):
            state.restore(stored.outcome)
        if chunk.state is ChunkState.DONE:
            self._report_progress(submitted=sum(state.was_submitted for state in states))
            return self._results(states, resumed=True)
        if chunk.session_id is not None:
            return self._follow(states, chunk)
        return await self._submit(states, chunk)

    async def _submit(
        self,
        states: list[RecordState],
        chunk: Chunk | None,
        broken_off: InFlightBatch | None = None,
    ) -> list[BulkResult]:
        """Submit the open records of a chunk, in parts if the server refuses so many at once."""
        results: list[BulkResult] = []
        parts: list[tuple[list[RecordState], Chunk | None]] = [(states, chunk)]
        while parts:
            states, chunk = parts.pop(0)
            try:
                removed = [state for state in states if state.is_open and state.record is None]
                if chunk is not None and removed:
                    chunk = await self._withdraw(removed, chunk)
                if chunk is None or any(state.is_open for state in states):
                    chunk = await self._submission.submit(states, chunk)
                if chunk.session_id is None and chunk.open_records:
                    halves = await run_shielded(
                        self._manifest.split, chunk.number, chunk.count // 2
                    )
                    middle = halves[0].count
                    parts[:0] = zip((states[:middle], states[middle:]), halves, strict=True)
                    continue
                if all(state.has_outcome for state in states):
                    outcomes = [state.outcome for state in states]
                    await run_shielded(self._manifest.done, chunk.number, outcomes)
            except errors.ProvError as error:
                self._stop_error = self._stop_error or error
                return results + self._results([one for one in states if one.has_outcome])
            results += self._follow(states, chunk, broken_off)
        return results

    async def _withdraw(self, removed: list[RecordState], chunk: Chunk) -> Chunk:
        for state in removed:
            state.error = errors.InvalidRequestError(
                f"record {state.index} was removed or changed before it was submitted"
            )
        outcomes = {state.index: state.outcome for state in removed}
        return await run_shielded(self._manifest.withdraw, chunk.number, outcomes)

    def _follow(
        self, states: list[RecordState], chunk: Chunk, broken_off: InFlightBatch | None = None
    ) -> list[BulkResult]:
        """Follow the jobs of a chunk, and return the results that are known."""
        known = [state for state in states if state.has_outcome]
        if len(known) < len(states):
            if broken_off is None:
                self._report_progress(submitted=sum(state.was_submitted for state in states))
            fruitless = broken_off is not None and broken_off.fruitless
            self._following.add(states, chunk, fruitless=fruitless)
            self._report_progress()
        return self._results(known)

    def _results(self, states: list[RecordState], *, resumed: bool = False) -> list[BulkResult]:
        new = [state for state in states if not state.reported]
        for state in new:
            state.reported = True
        results = [state.result(resumed=resumed) for state in new]
        registered = sum(result.error is None for result in results)
        unresolved = sum(may_still_be_registered(result.error) for result in results)
        if results:
            self._report_progress(
                registered=registered, failed=len(results) - registered - unresolved
            )
        return results

    def _report_progress(
        self, *, read: int = 0, submitted: int = 0, registered: int = 0, failed: int = 0
    ) -> None:
        before = self._progress
        self._progress = evolve(
            before,
            read=before.read + read,
            submitted=before.submitted + submitted,
            registered=before.registered + registered,
            failed=before.failed + failed,
            batches=len(self._following.batches),
        )
        if self._options.on_progress is not None:
            self._options.on_progress(self._progress)
