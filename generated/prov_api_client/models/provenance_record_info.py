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
        record: One run of a model: what it read, what it wrote, when, and on whose behalf. It
            must fulfil the workflow template that it names. `start_time` must not be after
            `end_time`.
    """

    id: str
    prov_json: str
    record: ModelRunRecord
