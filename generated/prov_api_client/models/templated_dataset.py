# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `TemplatedDataset` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model
from .dataset_type import DatasetType


@define
class TemplatedDataset(Model):
    """A dataset in the place that a dataset template keeps for it.

    Attributes:
        dataset_template_id: Handle of the dataset template.
        dataset_id: Handle of the dataset.
        dataset_type: Where the dataset is kept.
        resources: Paths within the dataset of the resources that the template leaves open, by
            their key.
    """

    dataset_template_id: str
    dataset_id: str
    dataset_type: DatasetType
    resources: dict[str, str] | None = None
