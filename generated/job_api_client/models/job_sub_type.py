# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `JobSubType` enumeration."""

from prov_api_client.types import OpenStrEnum


class JobSubType(OpenStrEnum):
    """What the job does. `MODEL_RUN_PROV_LODGE` registers a model run, `MODEL_RUN_LODGE_ONLY`
    writes a registered one to the lineage graph, `MODEL_RUN_UPDATE` replaces the record of one,
    `MODEL_RUN_BATCH_SUBMIT` starts the jobs of a batch, and `GENERATE_REPORT` makes a report.
    The others are the deployment's own housekeeping."""

    PROV_LODGE_WAKE_UP = "PROV_LODGE_WAKE_UP"
    MODEL_RUN_PROV_LODGE = "MODEL_RUN_PROV_LODGE"
    MODEL_RUN_LODGE_ONLY = "MODEL_RUN_LODGE_ONLY"
    MODEL_RUN_BATCH_SUBMIT = "MODEL_RUN_BATCH_SUBMIT"
    LODGE_CREATE_ACTIVITY = "LODGE_CREATE_ACTIVITY"
    LODGE_VERSION_ACTIVITY = "LODGE_VERSION_ACTIVITY"
    MODEL_RUN_UPDATE = "MODEL_RUN_UPDATE"
    MODEL_RUN_UPDATE_LODGE_ONLY = "MODEL_RUN_UPDATE_LODGE_ONLY"
    REGISTRY_WAKE_UP = "REGISTRY_WAKE_UP"
    REGISTER_CREATE_ACTIVITY = "REGISTER_CREATE_ACTIVITY"
    REGISTER_VERSION_ACTIVITY = "REGISTER_VERSION_ACTIVITY"
    EMAIL_WAKE_UP = "EMAIL_WAKE_UP"
    SEND_EMAIL = "SEND_EMAIL"
    GENERATE_REPORT = "GENERATE_REPORT"
