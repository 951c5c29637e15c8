# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `LineageResponse` schema."""

from __future__ import annotations

from typing import Any

from attrs import define

from ..types import Model
from .status import Status


@define
class LineageResponse(Model):
    """A part of the lineage graph.

    Attributes:
        status: Whether the search succeeded.
        record_count: Number of nodes in the graph.
        graph: The graph as node-link data of the Python library networkx. See `LineageGraph`.
    """

    status: Status
    record_count: int | None = None
    graph: dict[str, Any] | None = None
