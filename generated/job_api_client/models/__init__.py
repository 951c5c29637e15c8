# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The models of request and response bodies."""

from prov_api_client.types import prepare

from .error_detail import ErrorDetail
from .get_job_response import GetJobResponse
from .http_validation_error import HTTPValidationError
from .job_status import JobStatus
from .job_status_table import JobStatusTable
from .job_sub_type import JobSubType
from .job_type import JobType
from .list_by_batch_request import ListByBatchRequest
from .list_by_batch_response import ListByBatchResponse
from .list_jobs_request import ListJobsRequest
from .list_jobs_response import ListJobsResponse
from .validation_error import ValidationError

__all__ = [
    "ErrorDetail",
    "GetJobResponse",
    "HTTPValidationError",
    "JobStatus",
    "JobStatusTable",
    "JobSubType",
    "JobType",
    "ListByBatchRequest",
    "ListByBatchResponse",
    "ListJobsRequest",
    "ListJobsResponse",
    "ValidationError",
]

prepare(
    ErrorDetail,
    GetJobResponse,
    HTTPValidationError,
    JobStatus,
    JobStatusTable,
    JobSubType,
    JobType,
    ListByBatchRequest,
    ListByBatchResponse,
    ListJobsRequest,
    ListJobsResponse,
    ValidationError,
)
