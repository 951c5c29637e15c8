# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `LineageGraph` schema."""

from __future__ import annotations

from typing import Any

from attrs import define

from ..types import Model
from .lineage_link import LineageLink
from .lineage_node import LineageNode


@define
class LineageGraph(Model):
    """A directed graph as node-link data of the Python library networkx. Some builds of the server
    call the list of links `edges`.

    Attributes:
        directed: True, since every link has a direction.
        multigraph: False, since there is one link at most from one node to another.
        graph: Attributes of the graph as a whole. Empty so far.
        nodes: The items. They carry no names.
        links: How the items hang together.
    """

    directed: bool
    multigraph: bool
    graph: dict[str, Any]
    nodes: list[LineageNode]
    links: list[LineageLink]
