# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `PostDeleteGraphResponse` schema."""

from __future__ import annotations

from typing import Any

from attrs import define

from ..types import Model


@define
class PostDeleteGraphResponse(Model):
    """The changes to the lineage graph that deleting a model run makes.

    Attributes:
        diff: One entry for each change. `action_type` names the kind of change: the addition
            or removal of a node or link, or of a record's id on one. The other keys depend on it.
    """

    diff: list[dict[str, Any]]
