# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `HealthCheckResponse` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model


@define
class HealthCheckResponse(Model):
    """The answer of a server that is up.

    Attributes:
        message: A word for people to read.
    """

    message: str
