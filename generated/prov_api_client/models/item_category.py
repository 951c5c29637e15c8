# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `ItemCategory` enumeration."""

from ..types import OpenStrEnum


class ItemCategory(OpenStrEnum):
    """The kind of an item in the terms of PROV-O."""

    ACTIVITY = "ACTIVITY"
    AGENT = "AGENT"
    ENTITY = "ENTITY"
