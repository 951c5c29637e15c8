# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `GenerateReportResponse` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model


@define
class GenerateReportResponse(Model):
    """The job that makes a report.

    Attributes:
        session_id: Session id of the job, a UUID.
    """

    session_id: str
