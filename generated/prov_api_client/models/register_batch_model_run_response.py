# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `RegisterBatchModelRunResponse` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model
from .status import Status


@define
class RegisterBatchModelRunResponse(Model):
    """The job that registers a batch of model runs.

    Attributes:
        status: Whether the job was started.
        session_id: Session id of the job, a UUID. Null when no job was started.
    """

    status: Status
    session_id: str | None = None
