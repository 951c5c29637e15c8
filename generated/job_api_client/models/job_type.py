# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `JobType` enumeration."""

from prov_api_client.types import OpenStrEnum


class JobType(OpenStrEnum):
    """Which job runner takes the job: the one of the provenance store (`PROV_LODGE`), of the
    registry (`REGISTRY`), for messages (`EMAIL`) or for reports (`REPORT`)."""

    PROV_LODGE = "PROV_LODGE"
    REGISTRY = "REGISTRY"
    EMAIL = "EMAIL"
    REPORT = "REPORT"
