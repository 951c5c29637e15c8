# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `GetJobResponse` schema."""

from __future__ import annotations

from attrs import define

from prov_api_client.types import Model

from .job_status_table import JobStatusTable


@define
class GetJobResponse(Model):
    """One job.

    Attributes:
        job: The job.
    """

    job: JobStatusTable
