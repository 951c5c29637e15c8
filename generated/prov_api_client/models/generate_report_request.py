# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `GenerateReportRequest` schema."""

from __future__ import annotations

from attrs import define, field
from msgspec import Meta

from ..types import LIMITS, Model
from .item_sub_type import ItemSubType


@define
class GenerateReportRequest(Model):
    """What a report is about.

    Attributes:
        id: Handle of the item.
        item_subtype: Subtype of the item. Only `STUDY` and `MODEL_RUN` are supported.
        depth: How many links to follow from the item, 1 to 3.
    """

    id: str
    item_subtype: ItemSubType
    depth: int = field(metadata={LIMITS: Meta(ge=1, le=3)})
