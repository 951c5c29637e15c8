# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""Every operation of the document, by its operation id."""

from collections.abc import Mapping
from typing import Any

from prov_api_client.operation import Operation

from .api.jobs import (
    fetch_job,
    list_batch,
    list_jobs,
)

OPERATIONS: Mapping[str, Operation[Any]] = {
    "fetch_job": fetch_job.OPERATION,
    "list_batch": list_batch.OPERATION,
    "list_jobs": list_jobs.OPERATION,
}
