# Made of src/prov_facade/_async by `nox -s codegen`: change that, not this file.
"""Registers the model runs of a CSV file, and writes into it what has become of them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from job_api_client.models import JobStatus, JobStatusTable
from prov_api_client.models import ModelRunRecord
from prov_facade import errors
from prov_facade._files.targets import check_overwrite, resolve_target
from prov_facade._jobs import results as job_results
from prov_facade._registration.batch import BulkResult, Scratch, is_open
from prov_facade._registration.csv_table import (
    JOB_ID,
    RECORD_ID,
    ConversionWarning,
    CSVRegistration,
    JobCells,
    Table,
    expect_unchanged,
    save,
)
from prov_facade._registration.manifest import State
from prov_facade._runtime.threads.concurrency import run_shielded
from prov_facade._sync.registration import RegistrationOptions

if TYPE_CHECKING:
    from prov_facade._sync.client import SyncProvClient


def register(
    client: SyncProvClient,
    path: str | os.PathLike[str],
    output: str | os.PathLike[str] | None,
    options: RegistrationOptions,
    *,
    overwrite: bool,
    prov_api: str,
) -> CSVRegistration:
    """Register the model runs of a CSV file.

    Args:
        client: Sends and asks.
        path: The file.
        output: Where the file with the job columns goes; ``None`` for the place of the first.
        options: How.
        overwrite: Whether a file that is there is replaced by the output.
        prov_api: The address of the prov-api.

    Returns:
        What came of it.
    """
    table = run_shielded(Table.read, path)
    place = _place(path, output, overwrite=overwrite)
    real, manifest = _real(place)
    run_shielded(_prepare, manifest, table, prov_api)
    converted = client.convert_model_runs_to_csv(table.text, timeout=options.timeout)
    said = list(converted.warnings or [])
    for warning in said:
        warnings.warn(warning, ConversionWarning, stacklevel=3)
    records, existing = converted.new_records or [], converted.existing_records or []
    new, old = table.new, table.existing
    if len(records) != len(new) or len(existing) != len(old):
        raise errors.InvalidResponseError(
            f"the CSV file {str(path)!r} has {len(new)} new rows and {len(old)} that were submitted"
            f" before, and the server found {len(records)} and {len(existing)}: nothing was"
            " registered",
        )
    results: list[BulkResult] = []
    if records:
        registering = client.register_many(
            _unless_changed(records, path, table.checksum),
            manifest=manifest,
            chunk_size=options.chunk_size,
            max_concurrent_batches=options.max_concurrent_batches,
            on_progress=options.on_progress,
            recovery_timeout=options.recovery_timeout,
            resolutions=options.resolutions,
            polling=options.polling,
            timeout=options.timeout,
        )
        with closing(registering):
            results = [result for result in registering]
    results.sort(key=lambda result: result.index)
    for result in results:
        # Not known yet: the manifest stays, and the same call goes on from here.
        if result.error is not None and is_open(result.error):
            raise result.error
        table.fill(new[result.index], _cells(result))
    for row in old:
        if not table.cell(row, RECORD_ID):
            table.fill(row, _cells_of(_ended(client, table.cell(row, JOB_ID), options)))
    if output is None:
        run_shielded(expect_unchanged, path, table.checksum)
    run_shielded(save, real, table.content())
    run_shielded(_remove, manifest)
    return CSVRegistration(place, said, results, [table.cell(row, JOB_ID) for row in old])


def _place(
    path: str | os.PathLike[str], output: str | os.PathLike[str] | None, *, overwrite: bool
) -> Path:
    if output is None:
        return Path(path)
    place = resolve_target(output, Path(path).name)
    check_overwrite(place, overwrite=overwrite)
    return place


def _ended(client: SyncProvClient, session_id: str, options: RegistrationOptions) -> JobStatusTable:
    """Wait for the job of a row that was submitted before."""
    jobs = client.jobs.watch(session_id, polling=options.polling, timeout=options.timeout)
    return [job for job in jobs][-1]


def _cells(result: BulkResult) -> JobCells:
    if result.error is None:
        return JobCells(result.session_id or "", JobStatus.SUCCEEDED, result.handle or "", "")
    if result.session_id:
        return JobCells(result.session_id, JobStatus.FAILED, "", _reason(result.error))
    # Never taken on: without the id of a job, the row can be mended and registered again.
    return JobCells("", "", "", _reason(result.error))


def _cells_of(job: JobStatusTable) -> JobCells:
    failed = job_results.failure_of(job)
    if failed is not None:
        return JobCells(job.session_id, job.status, "", _reason(failed))
    return JobCells(job.session_id, job.status, job_results.registered_model_run(job).handle, "")


def _reason(error: errors.ProvError) -> str:
    return (error.reason if isinstance(error, errors.JobFailedError) else "") or str(error)


def _real(place: Path) -> tuple[Path, Path]:
    """Say what is written, which is what a symbolic link leads to, and where its manifest is."""
    real = Path(os.path.realpath(place))
    return real, real.with_name(f"{real.name}.manifest")


def _unless_changed(
    records: list[ModelRunRecord], path: str | os.PathLike[str], found: str
) -> Iterator[ModelRunRecord]:
    """Give records, the first of which is asked for when the manifest is locked.

    Another process may have registered them until then, and have written that into the file.
    """
    expect_unchanged(path, found)
    yield from records


def _prepare(manifest: Path, table: Table, prov_api: str) -> None:
    """See that the manifest can be used, and remove it if it is of no use any more.

    That is, if the file has its jobs: the process ended between writing that and removing it.
    """
    in_file = {table.cell(row, JOB_ID) for row in table.existing}
    with closing(Scratch(manifest, prov_api)) as scratch:
        scratch.open()
        found = scratch.manifest
        done = [chunk.number for chunk in found.chunks if chunk.state is State.DONE]
        outcomes = (outcome for number in done for outcome in found.outcomes(number))
        needed = found.chunks and not any(one.session_id in in_file for one in outcomes)
    if not needed:
        _remove(manifest)


def _remove(manifest: Path) -> None:
    manifest.unlink(missing_ok=True)
    manifest.with_name(f"{manifest.name}.lock").unlink(missing_ok=True)
