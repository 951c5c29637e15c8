# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `JobStatus` enumeration."""

from prov_api_client.types import OpenStrEnum


class JobStatus(OpenStrEnum):
    """How far a job is. It waits (`PENDING`), was taken from the queue (`DEQUEUED`), is being
    worked on (`IN_PROGRESS`), and is over when it `SUCCEEDED` or `FAILED`."""

    PENDING = "PENDING"
    DEQUEUED = "DEQUEUED"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
