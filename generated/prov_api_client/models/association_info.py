# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `AssociationInfo` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model


@define
class AssociationInfo(Model):
    """Who was behind a model run.

    Attributes:
        modeller_id: Handle of the person who ran the model.
        requesting_organisation_id: Handle of the organisation that asked for the run.
    """

    modeller_id: str
    requesting_organisation_id: str | None = None
