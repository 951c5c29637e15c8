"""Reads the results of jobs."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec
from attrs import frozen

from job_api_client.models import JobStatus, JobStatusTable
from prov_api_client.models import ModelRunRecord, ProvenanceRecordInfo
from prov_api_client.types import convert, prepare
from prov_facade import errors

T = TypeVar("T")

_ENDED = (JobStatus.SUCCEEDED, JobStatus.FAILED)


@frozen
class RegisteredModelRun:
    """A registered model run.

    Attributes:
        handle: Its id.
        record: Its record.
        prov_json: Its PROV document, as PROV-JSON text, which the package ``prov`` reads.
        session_id: The job that registered it.
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
class _RegistrationResult:
    record: ProvenanceRecordInfo


@frozen
class _BatchResult:
    batch_id: str


@frozen
class _ReportResult:
    report_url: str


prepare(_RegistrationResult, _BatchResult, _ReportResult)


def require_session_id(session_id: str | None) -> str:
    """Return the session id of the job that a response announces.

    Raises:
        InvalidResponseError: If it is missing.
    """
    if session_id is None:
        raise errors.InvalidResponseError("the response has no session id", path="$.session_id")
    return session_id


def has_ended(job: JobStatusTable) -> bool:
    """Return whether a job has ended, successfully or not.

    A late write of the server can set the status of a finished job back for good. Its result stays.
    """
    return job.status in _ENDED or job.result is not None


def failure_of(job: JobStatusTable) -> errors.JobFailedError | None:
    """Return the error of a failed job; ``None`` if the job did not fail."""
    if job.status != JobStatus.FAILED:
        return None
    reason = job.info or "the server gives no reason"
    return errors.JobFailedError(
        f"the job {job.session_id} ({job.job_sub_type}) failed: {reason}",
        session_id=job.session_id,
        job=job,
    )


def registered_model_run(job: JobStatusTable) -> RegisteredModelRun:
    """Read the model run that a job registered.

    Raises:
        InvalidResponseError: If its result has another type.
    """
    result = _result(job, _RegistrationResult).record
    return RegisteredModelRun(result.id, result.record, result.prov_json, job.session_id)


def batch_id(job: JobStatusTable) -> str:
    """Read the id of the batch that a job submitted.

    Raises:
        InvalidResponseError: If its result has another type.
    """
    found = _result(job, _BatchResult).batch_id
    if not found:
        raise errors.InvalidResponseError(
            f"the result of the job {job.session_id} has an empty batch id",
            path="$.job.result.batch_id",
        )
    return found


def report_url(job: JobStatusTable) -> str:
    """Read the URL of the report that a job created. Anyone who has the URL can read the report.

    Raises:
        InvalidResponseError: If its result has another type.
    """
    return _result(job, _ReportResult).report_url


def _result(job: JobStatusTable, kind: type[T]) -> T:
    try:
        return convert(job.result, kind)
    except msgspec.ValidationError as error:
        raise errors.InvalidResponseError(
            f"the result of the job {job.session_id} ({job.job_sub_type}) cannot be used: {error}",
            path="$.job.result",
        ) from error
