# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `ErrorDetail` schema."""

from __future__ import annotations

from attrs import define

from prov_api_client.types import Model


@define
class ErrorDetail(Model):
    """The body of an error other than a validation error.

    Attributes:
        detail: What went wrong, for people to read.
    """

    detail: str
