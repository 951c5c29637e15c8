# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `PostDeleteGraphRequest` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model


@define
class PostDeleteGraphRequest(Model):
    """A model run to take out of the lineage graph.

    Attributes:
        record_id: Handle of the model run.
        trial_mode: Work the changes out, but make none.
    """

    record_id: str
    trial_mode: bool = False
