# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `ListJobsRequest` schema."""

from __future__ import annotations

from typing import Any

from attrs import define

from prov_api_client.types import Model


@define
class ListJobsRequest(Model):
    """Which page of the caller's jobs.

    Attributes:
        pagination_key: The key that the page before ended with, as it came. Null or nothing
            for the first page.
        limit: How many jobs the page may hold.
    """

    pagination_key: dict[str, Any] | None = None
    limit: int = 10
