# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `StatusResponse` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model
from .status import Status


@define
class StatusResponse(Model):
    """An answer that holds nothing but its status.

    Attributes:
        status: Whether the request succeeded.
    """

    status: Status
