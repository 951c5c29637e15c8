"""Provena's pydantic models, by the name of the schema."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import pytest

REASON = "provena-interfaces-v2 is not installed: nox -s interop"

with warnings.catch_warnings():
    # Some modules still use pydantic 1 validators. Where that warning is an error,
    # an `except:` in the package swallows it, and names are missing afterwards.
    warnings.filterwarnings(
        "ignore", message="Pydantic V1 style `@validator`", category=DeprecationWarning
    )
    # The order matters: ProvenanceAPI imports the others.
    SharedTypes = pytest.importorskip("ProvenaInterfaces.SharedTypes", reason=REASON)
    ProvenanceModels = pytest.importorskip("ProvenaInterfaces.ProvenanceModels", reason=REASON)
    RegistryModels = pytest.importorskip("ProvenaInterfaces.RegistryModels", reason=REASON)
    ProvenanceAPI = pytest.importorskip("ProvenaInterfaces.ProvenanceAPI", reason=REASON)

PAIRS: Mapping[str, Any] = {
    "AddStudyLinkResponse": ProvenanceAPI.AddStudyLinkResponse,
    "AssociationInfo": ProvenanceModels.AssociationInfo,
    "ConvertModelRunsResponse": ProvenanceAPI.ConvertModelRunsResponse,
    "GenerateReportRequest": ProvenanceAPI.GenerateReportRequest,
    "HistoryEntry_ModelRunDomainInfo_": RegistryModels.HistoryEntry[
        RegistryModels.ModelRunDomainInfo
    ],
    "ItemModelRun": RegistryModels.ItemModelRun,
    "LineageResponse": ProvenanceAPI.LineageResponse,
    "ModelRunDomainInfo": RegistryModels.ModelRunDomainInfo,
    "ModelRunRecord": ProvenanceModels.ModelRunRecord,
    "PostDeleteGraphRequest": ProvenanceAPI.PostDeleteGraphRequest,
    "PostDeleteGraphResponse": ProvenanceAPI.PostDeleteGraphResponse,
    "PostUpdateModelRunInput": ProvenanceAPI.PostUpdateModelRunInput,
    "PostUpdateModelRunResponse": ProvenanceAPI.PostUpdateModelRunResponse,
    "ProvenanceRecordInfo": ProvenanceAPI.ProvenanceRecordInfo,
    "RegisterBatchModelRunRequest": ProvenanceAPI.RegisterBatchModelRunRequest,
    "RegisterBatchModelRunResponse": ProvenanceAPI.RegisterBatchModelRunResponse,
    "RegisterModelRunResponse": ProvenanceAPI.RegisterModelRunResponse,
    "Status": SharedTypes.Status,
    "StatusResponse": SharedTypes.StatusResponse,
    "SyncRegisterModelRunResponse": ProvenanceAPI.SyncRegisterModelRunResponse,
    "TemplatedDataset": ProvenanceModels.TemplatedDataset,
    "VersioningInfo": RegistryModels.VersioningInfo,
    "WorkflowLinks": RegistryModels.WorkflowLinks,
}

ENUM_PAIRS: Mapping[str, Any] = {
    "DatasetType": ProvenanceModels.DatasetType,
    "ItemCategory": RegistryModels.ItemCategory,
    "ItemSubType": RegistryModels.ItemSubType,
    "RecordType": RegistryModels.RecordType,
    "WorkflowRunCompletionStatus": RegistryModels.WorkflowRunCompletionStatus,
}

# The schemas without a comparable published model, and the reason.
WITHOUT_COUNTERPART: Mapping[str, str] = {
    "Body_convert_model_runs_csv": "the form of an upload",
    "ErrorDetail": "from the framework, and undocumented",
    "GenerateReportResponse": "not published yet: 2.10 only has the older kind of report",
    "HTTPValidationError": "from the framework",
    "HealthCheckResponse": "a free-form object in the server",
    "LineageGraph": "from networkx; a free-form object in the server",
    "LineageLink": "from networkx; a free-form object in the server",
    "LineageNode": "from networkx; a free-form object in the server",
    "User": "internal to the server; SharedTypes.UserInfo differs, without the token",
    "ValidationError": "from the framework",
}
