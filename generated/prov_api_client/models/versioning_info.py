# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `VersioningInfo` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model


@define
class VersioningInfo(Model):
    """The place of an item in a chain of versions.

    Attributes:
        version: Number of this version.
        previous_version: Handle of the version before. Null for the first.
        reason: Why this version was made.
        next_version: Handle of the version after. Null for the latest.
    """

    version: int
    previous_version: str | None = None
    reason: str | None = None
    next_version: str | None = None
