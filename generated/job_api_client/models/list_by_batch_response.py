# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `ListByBatchResponse` schema."""

from __future__ import annotations

from typing import Any

from attrs import define

from prov_api_client.types import Model

from .job_status_table import JobStatusTable


@define
class ListByBatchResponse(Model):
    """A page of the jobs of a batch.

    Attributes:
        jobs: The jobs, the newest first.
        pagination_key: Opaque. Hand it back as it came to get the next page. Null when there
            is none.
    """

    jobs: list[JobStatusTable]
    pagination_key: dict[str, Any] | None = None
