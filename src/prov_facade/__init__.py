"""A Python client for the prov-api, the provenance API of Provena.

:class:`ProvClient` calls its routes, ``ProvClient.admin`` those for administrators, and
``ProvClient.jobs`` follows what the server does afterwards. :class:`SyncProvClient` is the same
without ``await``. :func:`connect` and :func:`connect_sync` make them from the environment or a
file. The models that they take and return are in :mod:`prov_facade.models`, the errors that they
raise in :mod:`prov_facade.errors`.
"""

from __future__ import annotations

import logging

from prov_api_client.types import ModelLike, SupportsModelDump
from prov_facade import errors, models
from prov_facade._async.admin import ProvAdminClient
from prov_facade._async.base_client import BaseClient
from prov_facade._async.client import ProvClient
from prov_facade._async.jobs import JobsClient
from prov_facade._auth.device_flow import DeviceFlow
from prov_facade._auth.flows import ClientCredentials, OfflineFlow
from prov_facade._auth.prompt import DeviceLogin
from prov_facade._auth.token_cache import TokenCacheWarning
from prov_facade._http.raw_responses import raw_responses
from prov_facade._jobs.results import RegisteredModelRun
from prov_facade._profiles.connect import connect, connect_sync
from prov_facade._registration.batch import BulkProgress, BulkResult
from prov_facade._registration.csv_table import ConversionWarning, CSVRegistration
from prov_facade._sync.admin import SyncProvAdminClient
from prov_facade._sync.base_client import SyncBaseClient
from prov_facade._sync.client import SyncProvClient
from prov_facade._sync.jobs import SyncJobsClient
from prov_facade._version import __version__
from prov_facade.auth import AuthManager, BearerAuth, BearerToken, SupportsAuth
from prov_facade.config import APIOverrides, Config
from prov_facade.endpoints import ProvAPIAdminEndpoints, ProvAPIEndpoints
from prov_facade.errors import (
    APIError,
    Attempt,
    AuthenticationError,
    BadRequestError,
    Call,
    ConfigError,
    CredentialsError,
    FileError,
    InvalidRequestError,
    InvalidResponseError,
    JobError,
    JobFailedError,
    JobNotFoundError,
    JobTimeoutError,
    NotFoundError,
    OperationFailedError,
    PermissionDeniedError,
    ProvError,
    RateLimitedError,
    ReportError,
    ServerError,
    SubmissionUnknownError,
    TransportError,
    TransportTimeoutError,
    ValidationFailedError,
)
from prov_facade.models import (
    AddStudyLinkResponse,
    AssociationInfo,
    BodyConvertModelRunsCsv,
    ConvertModelRunsResponse,
    DatasetType,
    ErrorDetail,
    GenerateReportRequest,
    GenerateReportResponse,
    GetJobResponse,
    HealthCheckResponse,
    HistoryEntryModelRunDomainInfo,
    HTTPValidationError,
    ItemCategory,
    ItemModelRun,
    ItemSubType,
    JobStatus,
    JobStatusTable,
    JobSubType,
    JobType,
    LineageGraph,
    LineageLink,
    LineageNode,
    LineageResponse,
    ListByBatchRequest,
    ListByBatchResponse,
    ListJobsRequest,
    ListJobsResponse,
    ModelRunDomainInfo,
    ModelRunRecord,
    PostDeleteGraphRequest,
    PostDeleteGraphResponse,
    PostUpdateModelRunInput,
    PostUpdateModelRunResponse,
    ProvenanceRecordInfo,
    RecordType,
    RegisterBatchModelRunRequest,
    RegisterBatchModelRunResponse,
    RegisterModelRunResponse,
    Status,
    StatusResponse,
    SyncRegisterModelRunResponse,
    TemplatedDataset,
    User,
    ValidationError,
    VersioningInfo,
    WorkflowLinks,
    WorkflowRunCompletionStatus,
)
from prov_facade.polling import PollPolicy
from prov_facade.retries import RetryPolicy

ClientService = BaseClient
"""The name that provenaclient gives it."""

# Nothing is said unless somebody listens.
logging.getLogger("prov_facade").addHandler(logging.NullHandler())

__all__ = [
    "APIError",
    "APIOverrides",
    "AddStudyLinkResponse",
    "AssociationInfo",
    "Attempt",
    "AuthManager",
    "AuthenticationError",
    "BadRequestError",
    "BaseClient",
    "BearerAuth",
    "BearerToken",
    "BodyConvertModelRunsCsv",
    "BulkProgress",
    "BulkResult",
    "CSVRegistration",
    "Call",
    "ClientCredentials",
    "Config",
    "ConfigError",
    "ConversionWarning",
    "ConvertModelRunsResponse",
    "CredentialsError",
    "DatasetType",
    "DeviceFlow",
    "DeviceLogin",
    "ErrorDetail",
    "FileError",
    "GenerateReportRequest",
    "GenerateReportResponse",
    "GetJobResponse",
    "HTTPValidationError",
    "HealthCheckResponse",
    "HistoryEntryModelRunDomainInfo",
    "InvalidRequestError",
    "InvalidResponseError",
    "ItemCategory",
    "ItemModelRun",
    "ItemSubType",
    "JobError",
    "JobFailedError",
    "JobNotFoundError",
    "JobStatus",
    "JobStatusTable",
    "JobSubType",
    "JobTimeoutError",
    "JobType",
    "JobsClient",
    "LineageGraph",
    "LineageLink",
    "LineageNode",
    "LineageResponse",
    "ListByBatchRequest",
    "ListByBatchResponse",
    "ListJobsRequest",
    "ListJobsResponse",
    "ModelLike",
    "ModelRunDomainInfo",
    "ModelRunRecord",
    "NotFoundError",
    "OfflineFlow",
    "OperationFailedError",
    "PermissionDeniedError",
    "PollPolicy",
    "PostDeleteGraphRequest",
    "PostDeleteGraphResponse",
    "PostUpdateModelRunInput",
    "PostUpdateModelRunResponse",
    "ProvAPIAdminEndpoints",
    "ProvAPIEndpoints",
    "ProvAdminClient",
    "ProvClient",
    "ProvError",
    "ProvenanceRecordInfo",
    "RateLimitedError",
    "RecordType",
    "RegisterBatchModelRunRequest",
    "RegisterBatchModelRunResponse",
    "RegisterModelRunResponse",
    "RegisteredModelRun",
    "ReportError",
    "RetryPolicy",
    "ServerError",
    "Status",
    "StatusResponse",
    "SubmissionUnknownError",
    "SupportsAuth",
    "SupportsModelDump",
    "SyncBaseClient",
    "SyncJobsClient",
    "SyncProvAdminClient",
    "SyncProvClient",
    "SyncRegisterModelRunResponse",
    "TemplatedDataset",
    "TokenCacheWarning",
    "TransportError",
    "TransportTimeoutError",
    "User",
    "ValidationError",
    "ValidationFailedError",
    "VersioningInfo",
    "WorkflowLinks",
    "WorkflowRunCompletionStatus",
    "__version__",
    "connect",
    "connect_sync",
    "errors",
    "models",
    "raw_responses",
]
