"""Registers the model runs of a CSV file, and writes their outcomes into it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path

from job_api_client.models import JobStatus, JobStatusTable
from prov_api_client.models import ConvertModelRunsResponse, ModelRunRecord
from prov_facade import errors
from prov_facade._async.jobs import JobsClient
from prov_facade._async.registration.registration import register_records
from prov_facade._async.registration.submission import Submit
from prov_facade._files.targets import check_overwrite, resolve_target
from prov_facade._jobs import results as job_results
from prov_facade._registration.batch import BulkResult, may_still_be_registered
from prov_facade._registration.csv_table import (
    JOB_ID,
    RECORD_ID,
    ConversionWarning,
    CSVRegistration,
    JobCells,
    Table,
    check_unchanged,
    save,
)
from prov_facade._registration.manifest import ChunkState, Manifest
from prov_facade._registration.options import RegistrationOptions
from prov_facade._runtime.aio.concurrency import Awaited, run_shielded


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
    table = await run_shielded(Table.read, path)
    target = _output_path(path, output, overwrite=overwrite)
    # If it is a symbolic link, its target is written.
    real_target = await run_shielded(_real_path, target)
    manifest = real_target.with_name(f"{real_target.name}.manifest")
    await run_shielded(_prepare, manifest, table, prov_api)
    converted = await convert(table.text)
    messages = list(converted.warnings or [])
    for message in messages:
        warnings.warn(message, ConversionWarning, stacklevel=3)
    records, existing = converted.new_records or [], converted.existing_records or []
    new, old = table.new, table.existing
    if len(records) != len(new) or len(existing) != len(old):
        raise errors.InvalidResponseError(
            f"the CSV file {str(path)!r} has {len(new)} new rows and {len(old)} that were submitted"
            f" before, but the server found {len(records)} and {len(existing)}: nothing was"
            " registered",
        )
    results: list[BulkResult] = []
    if records:
        registration = register_records(
            _records_if_unchanged(records, path, table.checksum),
            manifest,
            prov_api,
            submit=submit,
            jobs=jobs,
            options=options,
        )
        async with aclosing(registration):
            results = [result async for result in registration]
    results.sort(key=lambda result: result.index)
    for result in results:
        # The outcome is still unknown: the manifest is kept, and the same call continues from it.
        if result.error is not None and may_still_be_registered(result.error):
            raise result.error
        table.fill(new[result.index], _cells_of_result(result))
    for row in old:
        if not table.cell(row, RECORD_ID):
            job = await _wait_for_end(jobs, table.cell(row, JOB_ID), options)
            table.fill(row, _cells_of_job(job))
    if output is None:
        await run_shielded(check_unchanged, path, table.checksum)
    await run_shielded(save, real_target, table.content())
    await run_shielded(_remove, manifest)
    return CSVRegistration(target, messages, results, [table.cell(row, JOB_ID) for row in old])


def _output_path(
    path: str | os.PathLike[str], output: str | os.PathLike[str] | None, *, overwrite: bool
) -> Path:
    if output is None:
        return Path(path)
    target = resolve_target(output, Path(path).name)
    check_overwrite(target, overwrite=overwrite)
    return target


async def _wait_for_end(
    jobs: JobsClient, session_id: str, options: RegistrationOptions
) -> JobStatusTable:
    watched = jobs.watch(session_id, polling=options.polling, timeout=options.timeout)
    return [job async for job in watched][-1]


def _cells_of_result(result: BulkResult) -> JobCells:
    if result.error is None:
        return JobCells(result.session_id or "", JobStatus.SUCCEEDED, result.handle or "", "")
    if result.session_id:
        return JobCells(result.session_id, JobStatus.FAILED, "", _reason(result.error))
    # Never submitted: without a job, the row can be corrected and registered again.
    return JobCells("", "", "", _reason(result.error))


def _cells_of_job(job: JobStatusTable) -> JobCells:
    failed = job_results.failure_of(job)
    if failed is not None:
        return JobCells(job.session_id, job.status, "", _reason(failed))
    return JobCells(job.session_id, job.status, job_results.registered_model_run(job).handle, "")


def _reason(error: errors.ProvError) -> str:
    return (error.reason if isinstance(error, errors.JobFailedError) else "") or str(error)


def _real_path(target: Path) -> Path:
    return Path(os.path.realpath(target))


def _records_if_unchanged(
    records: list[ModelRunRecord], path: str | os.PathLike[str], checksum: str
) -> Iterator[ModelRunRecord]:
    """Check the file when the first record is read, since the manifest is locked then.

    Before that, another process may have registered the records and updated the file.
    """
    check_unchanged(path, checksum)
    yield from records


def _prepare(manifest: Path, table: Table, prov_api: str) -> None:
    """Check that the manifest can be used, and remove it if it is empty or obsolete.

    It is obsolete if its jobs are in the file: a process ended after writing them there, and before
    removing the manifest.
    """
    in_file = {table.cell(row, JOB_ID) for row in table.existing}
    with Manifest(manifest, prov_api) as found:
        done = [chunk.number for chunk in found.chunks(ChunkState.DONE)]
        outcomes = (outcome for number in done for outcome in found.outcomes(number))
        obsolete = any(outcome.session_id in in_file for outcome in outcomes)
        needed = found.chunk(0) is not None and not obsolete
    if not needed:
        _remove(manifest)


def _remove(manifest: Path) -> None:
    manifest.unlink(missing_ok=True)
    manifest.with_name(f"{manifest.name}.lock").unlink(missing_ok=True)
