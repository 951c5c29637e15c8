# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `PostUpdateModelRunInput` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model
from .model_run_record import ModelRunRecord


@define
class PostUpdateModelRunInput(Model):
    """A new record for a registered model run.

    Attributes:
        model_run_id: Handle of the model run.
        reason: Why the record is replaced. It is kept in the item's history.
        record: The whole new record.
    """

    model_run_id: str
    reason: str
    record: ModelRunRecord
