# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `ItemSubType` enumeration."""

from ..types import OpenStrEnum


class ItemSubType(OpenStrEnum):
    """The kind of an item within its category."""

    WORKFLOW_RUN = "WORKFLOW_RUN"
    MODEL_RUN = "MODEL_RUN"
    STUDY = "STUDY"
    CREATE = "CREATE"
    VERSION = "VERSION"
    PERSON = "PERSON"
    ORGANISATION = "ORGANISATION"
    SOFTWARE = "SOFTWARE"
    MODEL = "MODEL"
    WORKFLOW_TEMPLATE = "WORKFLOW_TEMPLATE"
    MODEL_RUN_WORKFLOW_TEMPLATE = "MODEL_RUN_WORKFLOW_TEMPLATE"
    DATASET = "DATASET"
    DATASET_TEMPLATE = "DATASET_TEMPLATE"
