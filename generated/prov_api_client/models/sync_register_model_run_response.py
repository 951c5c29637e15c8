# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `SyncRegisterModelRunResponse` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model
from .provenance_record_info import ProvenanceRecordInfo
from .status import Status


@define
class SyncRegisterModelRunResponse(Model):
    """A model run that was registered within the request.

    Attributes:
        status: Whether the model run was registered.
        record_info: The registered model run.
    """

    status: Status
    record_info: ProvenanceRecordInfo
