# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `ModelRunRecord` schema."""

from __future__ import annotations

from attrs import define, field
from msgspec import Meta

from ..types import LIMITS, Model
from .association_info import AssociationInfo
from .templated_dataset import TemplatedDataset


@define
class ModelRunRecord(Model):
    """One run of a model: what it read, what it wrote, when, and on whose behalf. It must fulfil
    the workflow template that it names. `start_time` must not be after `end_time`.

    Attributes:
        workflow_template_id: Handle of the workflow template that the run follows.
        inputs: The datasets that the run read.
        outputs: The datasets that the run wrote.
        display_name: Name of the run, for people to read. It must not be empty.
        description: What the run was about. It must not be empty.
        associations: Who was behind the run.
        start_time: When the run started, in Unix seconds.
        end_time: When the run ended, in Unix seconds.
        model_version: Version of the model that was run, in the model's own counting.
        annotations: Values for the annotations that the workflow template asks for or allows,
            by their key.
        study_id: Handle of the study that the run belongs to.
    """

    workflow_template_id: str
    inputs: list[TemplatedDataset]
    outputs: list[TemplatedDataset]
    display_name: str = field(metadata={LIMITS: Meta(min_length=1)})
    description: str = field(metadata={LIMITS: Meta(min_length=1)})
    associations: AssociationInfo
    start_time: int
    end_time: int
    model_version: str | None = None
    annotations: dict[str, str] | None = None
    study_id: str | None = None
