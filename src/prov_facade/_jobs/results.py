"""Reads what came of a job."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec
from attrs import frozen

from job_api_client.models import JobStatus, JobStatusTable
from prov_api_client.models import ModelRunRecord, ProvenanceRecordInfo
from prov_api_client.types import prepare
from prov_facade import errors

T = TypeVar("T")

_OVER = (JobStatus.SUCCEEDED, JobStatus.FAILED)


@frozen
class RegisteredModelRun:
    """A model run that is lodged.

    Attributes:
        handle: Its id.
        record: Its record.
        prov_json: Its PROV document, as PROV-JSON text, which the package ``prov`` reads.
        session_id: The job that lodged it.
    """

    handle: str
    record: ModelRunRecord
    prov_json: str
    session_id: str

    @property
    def prov_document(self) -> dict[str, Any]:
        """Its PROV document, decoded.

        Raises:
            ValueError: If ``prov_json`` is not JSON.
        """
        document: dict[str, Any] = json.loads(self.prov_json)
        return document


@frozen
class _Lodged:
    record: ProvenanceRecordInfo


@frozen
class _Submitted:
    batch_id: str


@frozen
class _Reported:
    report_url: str


prepare(_Lodged, _Submitted, _Reported)


def started_session(session_id: str | None, operation: str) -> str:
    """Return the session id of a job that was started.

    Raises:
        InvalidResponseError: If none was.
    """
    if session_id is None:
        raise errors.InvalidResponseError(
            f"{operation} was answered with success, and without the session id of a job",
            path="$.session_id",
        )
    return session_id


def is_over(job: JobStatusTable) -> bool:
    """Say whether a job has ended, well or not."""
    return job.status in _OVER


def failure(job: JobStatusTable) -> errors.JobFailedError | None:
    """Make the error for a job that failed; ``None`` if it did not."""
    if job.status != JobStatus.FAILED:
        return None
    reason = job.info or "the server does not say why"
    return errors.JobFailedError(
        f"the job {job.session_id} ({job.job_sub_type}) failed: {reason}",
        session_id=job.session_id,
        job=job,
    )


def model_run(job: JobStatusTable) -> RegisteredModelRun:
    """Read the model run that a job lodged.

    Raises:
        InvalidResponseError: If its result is none.
    """
    lodged = _result(job, _Lodged).record
    return RegisteredModelRun(lodged.id, lodged.record, lodged.prov_json, job.session_id)


def batch_id(job: JobStatusTable) -> str:
    """Read the id of the batch that a job submitted.

    Raises:
        InvalidResponseError: If its result is none.
    """
    return _result(job, _Submitted).batch_id


def report_url(job: JobStatusTable) -> str:
    """Read the address of the report that a job made. Who has it can read the report.

    Raises:
        InvalidResponseError: If its result is none.
    """
    return _result(job, _Reported).report_url


def _result(job: JobStatusTable, kind: type[T]) -> T:
    try:
        return msgspec.convert(job.result, kind)
    except msgspec.ValidationError as error:
        raise errors.InvalidResponseError(
            f"the result of the job {job.session_id} ({job.job_sub_type}) cannot be used: {error}",
            path="$.job.result",
        ) from error
