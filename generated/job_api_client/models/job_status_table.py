# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `JobStatusTable` schema."""

from __future__ import annotations

from typing import Any

from attrs import define

from prov_api_client.types import Model

from .job_status import JobStatus
from .job_sub_type import JobSubType
from .job_type import JobType


@define
class JobStatusTable(Model):
    """A job, as a row of the server's table of jobs.

    Attributes:
        session_id: Session id of the job, a UUID.
        created_timestamp: When the job was started, in Unix seconds.
        username: Login name of the user who had the job started.
        payload: What the job was given to do. What it holds depends on `job_sub_type`.
        job_type: Which job runner takes the job.
        job_sub_type: What the job does.
        status: How far the job is.
        batch_id: Id of the batch that the job belongs to. Null when it belongs to none.
        gsi_status: A constant that the server's table is indexed by. It says nothing of the
            job.
        info: Why the job failed. Null as long as it has not.
        result: What the job gave. It is null until `status` is `SUCCEEDED`; from then on it
            depends on `job_sub_type`. `MODEL_RUN_PROV_LODGE`, `MODEL_RUN_LODGE_ONLY` and
            `MODEL_RUN_UPDATE` give `record`, a `ProvenanceRecordInfo` of the prov-api, whose `id`
            is the model run's handle. `MODEL_RUN_BATCH_SUBMIT` gives `batch_id`, the id under
            which `list_batch` finds the jobs of the single records. `GENERATE_REPORT` gives
            `report_url`, a pre-signed address of the `.docx` in an object store, good for about
            an hour; no bearer token may be sent there, and the address itself lets anybody in.
    """

    session_id: str
    created_timestamp: int
    username: str
    payload: dict[str, Any]
    job_type: JobType
    job_sub_type: JobSubType
    status: JobStatus
    batch_id: str | None = None
    gsi_status: str = "ok"
    info: str | None = None
    result: dict[str, Any] | None = None
