# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `ModelRunDomainInfo` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model
from .model_run_record import ModelRunRecord
from .workflow_run_completion_status import WorkflowRunCompletionStatus


@define
class ModelRunDomainInfo(Model):
    """The part of a model run's item that its history keeps.

    Attributes:
        display_name: Name of the run, for people to read.
        record_status: How far the record had come.
        record: The record of the run.
        prov_serialisation: The PROV document of the run, as JSON text.
        user_metadata: Values that users attached to the item, by their key.
    """

    display_name: str
    record_status: WorkflowRunCompletionStatus
    record: ModelRunRecord
    prov_serialisation: str
    user_metadata: dict[str, str] | None = None
