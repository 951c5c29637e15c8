# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `RegisterModelRunResponse` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model
from .status import Status


@define
class RegisterModelRunResponse(Model):
    """The job that registers a model run.

    Attributes:
        status: Whether the job was started.
        session_id: Session id of the job, a UUID. Null when no job was started.
    """

    status: Status
    session_id: str | None = None
