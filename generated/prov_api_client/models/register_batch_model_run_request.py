# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `RegisterBatchModelRunRequest` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model
from .model_run_record import ModelRunRecord


@define
class RegisterBatchModelRunRequest(Model):
    """Model runs to register together.

    Attributes:
        records: The model runs.
    """

    records: list[ModelRunRecord]
