# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `AddStudyLinkResponse` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model
from .status import Status


@define
class AddStudyLinkResponse(Model):
    """The job that links a model run to a study.

    Attributes:
        status: Whether the job was started.
        model_run_id: Handle of the model run.
        study_id: Handle of the study.
        session_id: Session id of the job, a UUID.
    """

    status: Status
    model_run_id: str
    study_id: str
    session_id: str
