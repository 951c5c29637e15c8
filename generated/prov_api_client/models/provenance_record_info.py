# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `ProvenanceRecordInfo` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model
from .model_run_record import ModelRunRecord


@define
class ProvenanceRecordInfo(Model):
    """A registered model run with its PROV document.

    Attributes:
        id: Handle of the model run.
        prov_json: The PROV document of the run, as JSON text.
        record: The record as it was registered.
    """

    id: str
    prov_json: str
    record: ModelRunRecord
