# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `ListByBatchRequest` schema."""

from __future__ import annotations

from typing import Any

from attrs import define

from prov_api_client.types import Model


@define
class ListByBatchRequest(Model):
    """Which page of the jobs of a batch.

    Attributes:
        batch_id: Id of the batch, from the result of the job that submitted it.
        pagination_key: The key that the page before ended with, as it came. Null or nothing
            for the first page.
        limit: How many jobs the page may hold.
    """

    batch_id: str
    pagination_key: dict[str, Any] | None = None
    limit: int = 10
