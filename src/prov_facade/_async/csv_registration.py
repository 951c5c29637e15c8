"""Registers the model runs of a CSV file, and writes their outcomes into it."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack, aclosing, suppress
from pathlib import Path

from attrs import evolve

from job_api_client.models import JobStatus, JobStatusTable
from prov_api_client.models import ConvertModelRunsResponse, ModelRunRecord
from prov_facade import errors
from prov_facade._async.jobs import JobsClient
from prov_facade._async.registration.registration import Registration
from prov_facade._async.registration.sources import by_content
from prov_facade._async.registration.submission import Submit
from prov_facade._files.targets import check_overwrite, resolve_target
from prov_facade._jobs import results as job_results
from prov_facade._jobs.poller import Poller
from prov_facade._registration.batch import BulkResult, may_still_be_registered
from prov_facade._registration.csv_table import (
    JOB_ID,
    JOB_STATUS,
    RECORD_ID,
    ConversionWarning,
    CSVRegistration,
    JobCells,
    Table,
    check_unchanged,
    checksum,
    save,
)
from prov_facade._registration.manifest import ChunkState, Manifest
from prov_facade._registration.options import RegistrationOptions
from prov_facade._runtime.aio.concurrency import Awaited, run_shielded, sleep

# How often the known outcomes are written to the file, at most, in seconds.
_SAVE_INTERVAL = 1.0
# The errors that concern the job of a single row.
_ROW_ERRORS = (
    errors.BadRequestError,
    errors.InvalidRequestError,
    errors.InvalidResponseError,
    errors.NotFoundError,
    errors.PermissionDeniedError,
)


async def register(
    path: str | os.PathLike[str],
    output: str | os.PathLike[str] | None,
    prov_api: str,
    *,
    convert: Callable[[str], Awaited[ConvertModelRunsResponse]],
    submit: Submit,
    jobs: JobsClient,
    options: RegistrationOptions,
    overwrite: bool,
) -> CSVRegistration:
    """Register the model runs of a CSV file.

    Args:
        path: The file.
        output: Where to write the file with the job columns; ``None`` for ``path`` itself.
        prov_api: The URL of the prov-api.
        convert: Converts the text of a CSV file to records.
        submit: Submits a batch.
        jobs: The user's jobs.
        options: The options of the registration.
        overwrite: Whether the output may replace an existing file.

    Returns:
        The result.
    """
    await run_shielded(Table.read, path)  # a mistake in the path creates no manifest
    target = _output_path(path, output, overwrite=overwrite)
    stack = ExitStack()
    try:
        # Within this block, so that a cancelled task leaves nothing open.
        manifest = await run_shielded(_open, stack, path, prov_api)
        try:
            table = await run_shielded(Table.read, path)
            _output_path(path, output, overwrite=overwrite)  # again, now that it is locked
            converted = await convert(table.text)
            messages = list(converted.warnings or [])
            for message in messages:
                warnings.warn(message, ConversionWarning, stacklevel=3)
            file = _File(path, target, table, in_place=output is None, overwrite=overwrite)
            registration = _CSVRegistration(file, manifest, jobs, options)
            result = await registration.run(converted, submit)
        except BaseException:
            await run_shielded(_delete_if_empty, manifest)
            raise
    finally:
        await run_shielded(stack.close)
    return evolve(result, warnings=messages)


def _open(stack: ExitStack, path: str | os.PathLike[str], prov_api: str) -> Manifest:
    """Open the manifest next to a file, which locks the file, wherever the output is."""
    source = _real_path(Path(path))
    return stack.enter_context(Manifest(source.with_name(f"{source.name}.manifest"), prov_api))


def _delete_if_empty(manifest: Manifest) -> None:
    if manifest.next_record() == 0:
        manifest.delete()


class _File:
    """The CSV file of a registration.

    Args:
        path: The file that is registered.
        target: The file that is written.
        table: Its content.
        in_place: Whether they are the same file.
        overwrite: Whether another file is replaced.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        target: Path,
        table: Table,
        *,
        in_place: bool,
        overwrite: bool,
    ) -> None:
        self.path = path
        self.target = target
        self.table = table
        self.in_place = in_place
        self._overwrite = overwrite or in_place

    def check(self) -> None:
        """Check that nobody else has changed the file; see :func:`check_unchanged`."""
        check_unchanged(self.path, self.table.checksum)

    def save(self) -> None:
        """Write the file.

        Raises:
            FileError: If it cannot be written, or was changed in the meantime.
        """
        if self.in_place:
            self.check()
        content = self.table.content()
        # If it is a symbolic link, its target is written.
        save(_real_path(self.target), content, overwrite=self._overwrite)
        if self.in_place:
            self.table.checksum = checksum(content)


class _CSVRegistration:
    """The registration of a CSV file, whose manifest is open.

    Outcomes are written to the file as they become known. The manifest has those that are not
    written yet, and recognises rows by their content: the file may be edited between two calls.
    """

    def __init__(
        self, file: _File, manifest: Manifest, jobs: JobsClient, options: RegistrationOptions
    ) -> None:
        self._file = file
        self._table = file.table
        self._manifest = manifest
        self._jobs = jobs
        self._options = options
        self._new, self._old = self._table.new, self._table.existing
        self._existing = [self._table.cell(row, JOB_ID) for row in self._old]
        # The rows of the records, by their index in the manifest.
        self._positions: dict[int, int] = {}
        self._results: dict[int, BulkResult] = {}
        self._unknown_jobs: dict[str, errors.ProvError] = {}
        # The records whose outcomes are not in the file yet.
        self._unsaved: set[int] = set()
        self._saved: set[int] = set()
        self._next_save = time.monotonic() + _SAVE_INTERVAL
        # Why some outcomes are not known yet: the next call continues.
        self._unfinished: errors.ProvError | None = None

    async def run(self, converted: ConvertModelRunsResponse, submit: Submit) -> CSVRegistration:
        """Register the new rows, and follow the jobs of the others."""
        records = converted.new_records or []
        existing = converted.existing_records or []
        if len(records) != len(self._new) or len(existing) != len(self._old):
            raise errors.InvalidResponseError(
                f"the CSV file {str(self._file.path)!r} has {len(self._new)} new rows and"
                f" {len(self._old)} that were submitted before, but the server found"
                f" {len(records)} and {len(existing)}: nothing was registered",
            )
        await run_shielded(self._file.check)
        try:
            await self._register(records, submit)
            await self._follow_existing()
        except BaseException:
            if self._unsaved and self._file.in_place:
                with suppress(errors.FileError):  # the manifest has them as well
                    await self._save()
            raise
        if self._unfinished is not None:
            if self._file.in_place:
                await self._save()
            raise self._unfinished
        await self._save()
        await run_shielded(self._manifest.delete)
        results = [self._results[position] for position in sorted(self._results)]
        return CSVRegistration(self._file.target, [], results, self._existing, self._unknown_jobs)

    async def _register(self, records: Sequence[ModelRunRecord], submit: Submit) -> None:
        source = by_content(
            records,
            self._manifest,
            self._options,
            saved=set(self._existing),
            positions=self._positions,
        )
        registration = Registration(self._manifest, submit, self._jobs, self._options)
        async with aclosing(registration.results(source)) as results:
            async for result in results:
                self._take(result)
                due = self._file.in_place and time.monotonic() >= self._next_save
                if due and self._unsaved:
                    await self._save()

    def _take(self, result: BulkResult) -> None:
        position = self._positions.get(result.index)
        if position is None:
            return  # the row is not in the file any more
        self._results[position] = evolve(result, index=position)
        if may_still_be_registered(result.error) and not _is_registered(result):
            self._unfinished = self._unfinished or result.error
            return
        self._table.fill(self._new[position], _cells_of_result(result))
        self._unsaved.add(result.index)

    async def _follow_existing(self) -> None:
        """Wait for the jobs of the rows that were submitted before, each on its own."""
        rows: dict[str, list[list[str]]] = {}
        for row in self._old:
            if not self._table.cell(row, RECORD_ID):
                rows.setdefault(self._table.cell(row, JOB_ID), []).append(row)
        pollers = {session_id: self._options.poller() for session_id in rows}
        while pollers:
            for session_id, poller in list(pollers.items()):
                late = poller.is_over
                try:
                    cells = await self._fetch_cells(session_id, poller)
                except _ROW_ERRORS as error:
                    self._unknown_jobs[session_id] = error
                    status = self._table.cell(rows[session_id][0], JOB_STATUS)
                    cells = JobCells(session_id, status, "", _way_out(error))
                if cells is not None:
                    for row in rows[session_id]:
                        self._table.fill(row, cells)
                    del pollers[session_id]
                elif late:
                    del pollers[session_id]
                    self._unfinished = self._unfinished or _timed_out(session_id, self._options)
            if pollers:
                await sleep(min(poller.next_wait() for poller in pollers.values()))

    async def _fetch_cells(self, session_id: str, poller: Poller) -> JobCells | None:
        """Return the cells of a row whose job has ended; ``None`` if it may end later."""
        try:
            job = await self._jobs.fetch(session_id, timeout=self._options.timeout)
        except errors.ProvError as error:
            if poller.tolerates(error):
                return None
            raise
        poller.succeeded(progress=False)
        return _cells_of_job(job) if job_results.has_ended(job) else None

    async def _save(self) -> None:
        start = time.monotonic()
        await run_shielded(self._file.save)
        self._saved |= self._unsaved
        self._unsaved.clear()
        if self._file.in_place:
            await run_shielded(self._forget_saved)
        now = time.monotonic()
        # A large file is saved less often.
        self._next_save = now + max(_SAVE_INTERVAL, 20 * (now - start))

    def _forget_saved(self) -> None:
        """Forget the records that the file has: equal rows are then others."""
        for chunk in self._manifest.chunks(ChunkState.DONE):
            indexes = {*range(chunk.first, chunk.first + chunk.count)} & self._positions.keys()
            if indexes and indexes <= self._saved:
                self._manifest.forget(chunk.number)


def _output_path(
    path: str | os.PathLike[str], output: str | os.PathLike[str] | None, *, overwrite: bool
) -> Path:
    if output is None:
        return Path(path)
    target = resolve_target(output, Path(path).name)
    check_overwrite(target, overwrite=overwrite)
    return target


def _cells_of_result(result: BulkResult) -> JobCells:
    if result.error is None:
        return JobCells(result.session_id or "", JobStatus.SUCCEEDED, result.handle or "", "")
    if result.session_id:
        status = JobStatus.SUCCEEDED if _is_registered(result) else JobStatus.FAILED
        return JobCells(result.session_id, status, "", _reason(result.error))
    # Never submitted: without a job, the row can be corrected and registered again.
    return JobCells("", "", "", _reason(result.error))


def _cells_of_job(job: JobStatusTable) -> JobCells:
    failed = job_results.failure_of(job)
    if failed is not None:
        return JobCells(job.session_id, job.status, "", _reason(failed))
    try:
        handle = job_results.registered_model_run(job).handle
    except errors.InvalidResponseError as error:
        return JobCells(
            job.session_id, job.status, "", f"It is registered, but its id is unknown: {error}"
        )
    return JobCells(job.session_id, job.status, handle, "")


def _is_registered(result: BulkResult) -> bool:
    """Return whether the job of a record succeeded, even if its result cannot be used."""
    job = result.error.job if isinstance(result.error, errors.JobError) else None
    succeeded = job is not None and job_results.has_ended(job) and not job_results.failure_of(job)
    return result.error is None or succeeded


def _reason(error: errors.ProvError) -> str:
    return (error.reason if isinstance(error, errors.JobFailedError) else "") or str(error)


def _real_path(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _way_out(error: errors.ProvError) -> str:
    return f"{error} To register this row again, clear its _job_id."


def _timed_out(session_id: str, options: RegistrationOptions) -> errors.JobTimeoutError:
    return errors.JobTimeoutError(
        f"the job {session_id} of a row did not end within {options.polling.deadline:g} s: the same"
        " call waits for it again",
        session_id=session_id,
    )
