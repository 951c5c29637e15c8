# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `HTTPValidationError` schema."""

from __future__ import annotations

from attrs import define

from prov_api_client.types import Model

from .validation_error import ValidationError


@define
class HTTPValidationError(Model):
    """The body of a validation error (422).

    Attributes:
        detail: One entry for each fault that was found.
    """

    detail: list[ValidationError] | None = None
