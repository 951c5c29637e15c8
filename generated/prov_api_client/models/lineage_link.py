# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `LineageLink` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model


@define
class LineageLink(Model):
    """A relation between two items, from the later to the earlier.

    Attributes:
        source: Handle of the item that the relation is about.
        target: Handle of the item that it points to.
        type: Name of the relation in PROV-O, for example `used`, `wasGeneratedBy`,
            `wasAssociatedWith`, `wasAttributedTo`, `wasInformedBy`, `wasInfluencedBy` or
            `hadMember`.
    """

    source: str
    target: str
    type: str
