# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `WorkflowRunCompletionStatus` enumeration."""

from ..types import OpenStrEnum


class WorkflowRunCompletionStatus(OpenStrEnum):
    """How far the record of a model run has come. A `LODGED` record is in the graph store."""

    INCOMPLETE = "INCOMPLETE"
    COMPLETE = "COMPLETE"
    LODGED = "LODGED"
