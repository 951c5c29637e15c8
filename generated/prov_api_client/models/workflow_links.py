# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `WorkflowLinks` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model


@define
class WorkflowLinks(Model):
    """The jobs that accompany an item's life.

    Attributes:
        create_activity_workflow_id: Session id of the job that recorded the item's creation.
        version_activity_workflow_id: Session id of the job that recorded this version of the
            item.
    """

    create_activity_workflow_id: str | None = None
    version_activity_workflow_id: str | None = None
