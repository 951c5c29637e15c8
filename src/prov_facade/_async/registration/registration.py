"""Reads records, submits them in chunks, and returns the result of each."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from contextlib import ExitStack, aclosing
from functools import partial
from typing import Any

from attrs import evolve

from prov_api_client.api.model_run import register_model_run
from prov_facade import errors
from prov_facade._async.jobs import JobsClient
from prov_facade._async.registration.following import Following
from prov_facade._async.registration.recovery import Recovery
from prov_facade._async.registration.submission import Submission, Submit
from prov_facade._http.requests import validate_request
from prov_facade._registration.batch import (
    BulkProgress,
    BulkResult,
    RecordState,
    digest,
    may_still_be_registered,
)
from prov_facade._registration.manifest import Chunk, ChunkState, Manifest
from prov_facade._registration.options import RegistrationOptions
from prov_facade._runtime.aio.concurrency import each, run_shielded, sleep


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
        registration = _Registration(open_manifest, submit, jobs, options)
        async with aclosing(registration.results(records)) as results:
            async for result in results:
                yield result
    finally:
        await run_shielded(stack.close)


def _open(stack: ExitStack, path: str | os.PathLike[str] | None, prov_api: str) -> Manifest:
    return stack.enter_context(Manifest(path, prov_api))


class _Registration:
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
        self._submission = Submission(submit, self._recovery, manifest, options.polling)
        self._following = Following(jobs, manifest, options)
        self._progress = BulkProgress()
        # The error that stops submission. It is raised once no batch is in flight: otherwise their
        # results would be lost.
        self._stop_error: Exception | None = None

    async def results(
        self, records: Iterable[Any] | AsyncIterable[Any]
    ) -> AsyncGenerator[BulkResult, None]:
        await self._recovery.recover_all()
        following = self._following
        async with aclosing(each(records)) as source:
            number = 0
            reading = True
            while reading or following.batches:
                while reading and len(following.batches) < self._options.max_concurrent_batches:
                    states, chunk = await self._read(source, number)
                    for result in await self._start(states, number, chunk):
                        yield result
                    number += 1
                    reading = bool(states) and self._stop_error is None
                for batch in following.due:
                    for result in self._results(await following.poll(batch)):
                        yield result
                if following.batches:
                    await sleep(following.seconds_until_due)
        if self._stop_error is not None:
            raise self._stop_error

    async def _read(
        self, source: AsyncIterator[Any], number: int
    ) -> tuple[list[RecordState], Chunk | None]:
        """Read a chunk from the manifest, and read and validate its records."""
        try:
            chunk = await run_shielded(self._manifest.chunk, number)
        except errors.ProvError as error:
            self._stop_error = error
            return [], None
        size = self._options.chunk_size if chunk is None else chunk.count
        first = self._progress.read
        states: list[RecordState] = []
        while len(states) < size:
            try:
                original = await anext(source)
            except StopAsyncIteration:
                break
            except Exception as error:  # noqa: BLE001  (raised at the end)
                self._stop_error = error
                return [], chunk
            states.append(_validated(original, first + len(states)))
        self._report_progress(read=len(states))
        return states, chunk

    async def _start(
        self, states: list[RecordState], number: int, chunk: Chunk | None
    ) -> list[BulkResult]:
        """Submit a chunk, unless it was submitted before, and return the results known so far."""
        if self._stop_error is not None:
            return []
        if chunk is not None and (error := self._mismatch(states, chunk)):
            self._stop_error = error
            return []
        if not states:
            return []
        if chunk is not None:
            _restore_refusals(states, chunk)
            if chunk.state is ChunkState.DONE:
                return await self._resume(states, number)
        session_id = chunk.session_id if chunk is not None else None
        if session_id is None:
            try:
                session_id = await self._submission.submit(states, chunk)
                if session_id is None:
                    outcomes = [state.outcome for state in states]
                    await run_shielded(self._manifest.done, number, outcomes)
            except errors.ProvError as error:
                self._stop_error = error
        if session_id is not None:
            self._report_progress(submitted=sum(not state.has_outcome for state in states))
            self._following.add(states, number, session_id, chunk.batch_id if chunk else None)
            self._report_progress()
        return self._results([state for state in states if state.has_outcome])

    def _mismatch(self, states: list[RecordState], chunk: Chunk) -> errors.ConfigError | None:
        submitted = [state for state in states if state.index not in chunk.excluded]
        models = [state.record for state in submitted if state.record is not None]
        if len(states) == chunk.count and digest(models) == chunk.digest:
            return None
        last = chunk.first + chunk.count - 1
        return errors.ConfigError(
            f"records {chunk.first} to {last} differ from those in the manifest"
            f" {self._manifest.path!r}: pass the same records in the same order, and new ones after"
            " them, or use another manifest"
        )

    async def _resume(self, states: list[RecordState], number: int) -> list[BulkResult]:
        try:
            outcomes = await run_shielded(self._manifest.outcomes, number)
        except errors.ProvError as error:
            self._stop_error = error
            return []
        for state, outcome in zip(states, outcomes, strict=True):
            state.restore(outcome)
        self._report_progress(submitted=sum(state.was_submitted for state in states))
        return self._results(states, resumed=True)

    def _results(self, states: list[RecordState], *, resumed: bool = False) -> list[BulkResult]:
        results = [state.result(resumed=resumed) for state in states]
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


def _validated(original: object, index: int) -> RecordState:
    state = RecordState(index, original)
    request: Any = register_model_run.request(body=original)  # type: ignore[arg-type]
    try:
        state.record = validate_request(request).body
    except errors.InvalidRequestError as error:
        operation = request.operation
        error.attach(errors.Call(f"record {index}", operation.method, operation.path))
        state.error = error
    return state


def _restore_refusals(states: list[RecordState], chunk: Chunk) -> None:
    for state in states:
        reason = chunk.refused.get(state.index)
        if reason is not None and state.error is None:
            state.error = errors.BadRequestError(reason)
