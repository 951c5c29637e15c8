# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `LineageNode` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model
from .item_category import ItemCategory
from .item_sub_type import ItemSubType


@define
class LineageNode(Model):
    """An item in the lineage graph.

    Attributes:
        id: Handle of the item.
        item_category: Kind of the item in the terms of PROV-O. Null when it is not known.
        item_subtype: Kind of the item within its category. Null when it is not known.
    """

    id: str
    item_category: ItemCategory | None
    item_subtype: ItemSubType | None
