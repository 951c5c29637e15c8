# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `PostUpdateModelRunResponse` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model


@define
class PostUpdateModelRunResponse(Model):
    """The job that replaces the record of a model run.

    Attributes:
        session_id: Session id of the job, a UUID.
    """

    session_id: str
