# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `ConvertModelRunsResponse` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model
from .model_run_record import ModelRunRecord
from .status import Status


@define
class ConvertModelRunsResponse(Model):
    """The model runs that a CSV file describes.

    Attributes:
        status: Whether the file was converted.
        new_records: The records of the rows that do not name an existing job.
        existing_records: One id for each row whose `_job_id` names an existing job.
        warnings: What was passed over, for example unknown columns.
    """

    status: Status
    new_records: list[ModelRunRecord] | None = None
    existing_records: list[str] | None = None
    warnings: list[str] | None = None
