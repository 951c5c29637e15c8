# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `RecordType` enumeration."""

from ..types import OpenStrEnum


class RecordType(OpenStrEnum):
    """Whether the registry holds the whole item (`COMPLETE_ITEM`) or has only set a handle aside
    for it (`SEED_ITEM`)."""

    SEED_ITEM = "SEED_ITEM"
    COMPLETE_ITEM = "COMPLETE_ITEM"
