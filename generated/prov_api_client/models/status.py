# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `Status` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model


@define
class Status(Model):
    """Whether the request did what it was asked to.

    Attributes:
        success: False when the request failed, whatever the HTTP status says.
        details: What was done, or why it failed.
    """

    success: bool
    details: str
