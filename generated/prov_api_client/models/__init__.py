# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The models of request and response bodies."""

from ..types import prepare
from .add_study_link_response import AddStudyLinkResponse
from .association_info import AssociationInfo
from .body_convert_model_runs_csv import BodyConvertModelRunsCsv
from .convert_model_runs_response import ConvertModelRunsResponse
from .dataset_type import DatasetType
from .error_detail import ErrorDetail
from .generate_report_request import GenerateReportRequest
from .generate_report_response import GenerateReportResponse
from .health_check_response import HealthCheckResponse
from .history_entry_model_run_domain_info import HistoryEntryModelRunDomainInfo
from .http_validation_error import HTTPValidationError
from .item_category import ItemCategory
from .item_model_run import ItemModelRun
from .item_sub_type import ItemSubType
from .lineage_graph import LineageGraph
from .lineage_link import LineageLink
from .lineage_node import LineageNode
from .lineage_response import LineageResponse
from .model_run_domain_info import ModelRunDomainInfo
from .model_run_record import ModelRunRecord
from .post_delete_graph_request import PostDeleteGraphRequest
from .post_delete_graph_response import PostDeleteGraphResponse
from .post_update_model_run_input import PostUpdateModelRunInput
from .post_update_model_run_response import PostUpdateModelRunResponse
from .provenance_record_info import ProvenanceRecordInfo
from .record_type import RecordType
from .register_batch_model_run_request import RegisterBatchModelRunRequest
from .register_batch_model_run_response import RegisterBatchModelRunResponse
from .register_model_run_response import RegisterModelRunResponse
from .status import Status
from .status_response import StatusResponse
from .sync_register_model_run_response import SyncRegisterModelRunResponse
from .templated_dataset import TemplatedDataset
from .user import User
from .validation_error import ValidationError
from .versioning_info import VersioningInfo
from .workflow_links import WorkflowLinks
from .workflow_run_completion_status import WorkflowRunCompletionStatus

__all__ = [
    "AddStudyLinkResponse",
    "AssociationInfo",
    "BodyConvertModelRunsCsv",
    "ConvertModelRunsResponse",
    "DatasetType",
    "ErrorDetail",
    "GenerateReportRequest",
    "GenerateReportResponse",
    "HealthCheckResponse",
    "HistoryEntryModelRunDomainInfo",
    "HTTPValidationError",
    "ItemCategory",
    "ItemModelRun",
    "ItemSubType",
    "LineageGraph",
    "LineageLink",
    "LineageNode",
    "LineageResponse",
    "ModelRunDomainInfo",
    "ModelRunRecord",
    "PostDeleteGraphRequest",
    "PostDeleteGraphResponse",
    "PostUpdateModelRunInput",
    "PostUpdateModelRunResponse",
    "ProvenanceRecordInfo",
    "RecordType",
    "RegisterBatchModelRunRequest",
    "RegisterBatchModelRunResponse",
    "RegisterModelRunResponse",
    "Status",
    "StatusResponse",
    "SyncRegisterModelRunResponse",
    "TemplatedDataset",
    "User",
    "ValidationError",
    "VersioningInfo",
    "WorkflowLinks",
    "WorkflowRunCompletionStatus",
]

prepare(
    AddStudyLinkResponse,
    AssociationInfo,
    BodyConvertModelRunsCsv,
    ConvertModelRunsResponse,
    DatasetType,
    ErrorDetail,
    GenerateReportRequest,
    GenerateReportResponse,
    HealthCheckResponse,
    HistoryEntryModelRunDomainInfo,
    HTTPValidationError,
    ItemCategory,
    ItemModelRun,
    ItemSubType,
    LineageGraph,
    LineageLink,
    LineageNode,
    LineageResponse,
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
