"""The interface that the facade restores, as data: names, values, parameters, results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED = _Required()


@dataclass(frozen=True)
class Parameter:
    """A parameter: its name, its type, its default."""

    name: str
    kind: str
    default: Any = REQUIRED


@dataclass(frozen=True)
class Method:
    """An asynchronous method: its name, its parameters in order, its return type."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: str


def _method(name: str, returns: str, *parameters: Parameter) -> Method:
    return Method(name, parameters, returns)


_START = Parameter("starting_id", "str")
# The interface has no default, but its text promises one: that of the server.
_DEPTH = Parameter("depth", "int", None)
_VALIDATE = Parameter("validate_record", "bool", True)

PROV_CLIENT = (
    _method("get_health_check", "HealthCheckResponse"),
    _method(
        "post_update_model_run",
        "PostUpdateModelRunResponse",
        Parameter("model_run_id", "str"),
        Parameter("reason", "str"),
        Parameter("record", "ModelRunRecord"),
    ),
    _method("explore_upstream", "LineageResponse", _START, _DEPTH),
    _method("explore_downstream", "LineageResponse", _START, _DEPTH),
    _method("get_contributing_datasets", "LineageResponse", _START, _DEPTH),
    _method("get_effected_datasets", "LineageResponse", _START, _DEPTH),
    _method("get_contributing_agents", "LineageResponse", _START, _DEPTH),
    _method("get_effected_agents", "LineageResponse", _START, _DEPTH),
    _method(
        "register_batch_model_runs",
        "RegisterBatchModelRunResponse",
        Parameter("model_run_batch_payload", "RegisterBatchModelRunRequest"),
    ),
    _method(
        "register_model_run",
        "RegisterModelRunResponse",
        Parameter("model_run_payload", "ModelRunRecord"),
    ),
    _method("generate_csv_template", "str", Parameter("workflow_template_id", "str")),
    _method(
        "convert_model_runs_to_csv",
        "ConvertModelRunsResponse",
        Parameter("csv_file_contents", "str"),
    ),
    _method("regenerate_csv_from_model_run_batch", "str", Parameter("batch_id", "str")),
    # `ByteString` in the interface, described as bytes or bytearray.
    _method("generate_report", "bytes", Parameter("report_request", "GenerateReportRequest")),
)

PROV_ADMIN_CLIENT = (
    _method("generate_config_file", "str", Parameter("required_only", "bool", True)),
    _method(
        "store_record", "StatusResponse", Parameter("registry_record", "ItemModelRun"), _VALIDATE
    ),
    _method(
        "store_multiple_records",
        "StatusResponse",
        Parameter("registry_record", "Iterable[ItemModelRun]"),  # a list in the interface
        _VALIDATE,
    ),
    _method("store_all_registry_records", "StatusResponse", _VALIDATE),
    _method(
        "delete_model_run_provenance",
        "PostDeleteGraphResponse",
        Parameter("model_run_id", "str"),
        Parameter("trial_mode", "bool", False),
    ),
)

# Methods beyond the interface, for other routes, for files, and for jobs, with their parameters.
ADDED = {
    "ProvClient": {
        "check_general_access": (),
        "check_admin_access": (),
        "check_read_access": (),
        "check_write_access": (),
        "link_model_run_to_study": ("model_run_id", "study_id"),
        "download_report": ("request", "path"),
        "save_csv_template": ("workflow_template_id", "path"),
        "save_csv_from_batch": ("batch_id", "path"),
        "convert_model_runs_file": ("path",),
        "register_and_wait": ("record",),
        "update_and_wait": ("model_run_id", "reason", "record"),
        "link_to_study_and_wait": ("model_run_id", "study_id"),
        "register_many": ("records",),
        "register_csv": ("path",),
    },
    "ProvAdminClient": {
        "register_model_run_sync": ("record",),
        "trigger_sentry_debug": (),
        "clear_graph": (),
    },
}
# The operations of methods that read or write files.
FILE_METHODS = {
    "download_report": "generate_report",
    "save_csv_template": "generate_csv_template",
    "save_csv_from_batch": "regenerate_csv_from_model_run_batch",
    "convert_model_runs_file": "convert_model_runs_to_csv",
}
# The first operation of each method that waits for jobs.
JOB_METHODS = {
    "register_and_wait": "register_model_run",
    "update_and_wait": "post_update_model_run",
    "link_to_study_and_wait": "link_model_run_to_study",
    "register_many": "register_batch_model_runs",
    "register_csv": "convert_model_runs_to_csv",
}
ADDED_PATHS = {"/model_run/edit/link_to_study", "/model_run/register_sync", "/graph/admin/clear"}

ENDPOINTS = {
    "POST_MODEL_RUN_REGISTER": "/model_run/register",
    "POST_MODEL_RUN_UPDATE": "/model_run/update",
    "POST_MODEL_RUN_REGISTER_BATCH": "/model_run/register_batch",
    "POST_GENERATE_REPORT": "/explore/generate/report",
    "GET_EXPLORE_UPSTREAM": "/explore/upstream",
    "GET_EXPLORE_DOWNSTREAM": "/explore/downstream",
    "GET_EXPLORE_SPECIAL_CONTRIBUTING_DATASETS": "/explore/special/contributing_datasets",
    "GET_EXPLORE_SPECIAL_EFFECTED_DATASETS": "/explore/special/effected_datasets",
    "GET_EXPLORE_SPECIAL_CONTRIBUTING_AGENTS": "/explore/special/contributing_agents",
    "GET_EXPLORE_SPECIAL_EFFECTED_AGENTS": "/explore/special/effected_agents",
    "GET_HEALTH_CHECK": "/",
    "GET_BULK_GENERATE_TEMPLATE_CSV": "/bulk/generate_template/csv",
    "POST_BULK_CONVERT_MODEL_RUNS_CSV": "/bulk/convert_model_runs/csv",
    "GET_BULK_REGENERATE_FROM_BATCH_CSV": "/bulk/regenerate_from_batch/csv",
    "GET_CHECK_ACCESS_CHECK_GENERAL_ACCESS": "/check-access/check-general-access",
    "GET_CHECK_ACCESS_CHECK_ADMIN_ACCESS": "/check-access/check-admin-access",
    "GET_CHECK_ACCESS_CHECK_READ_ACCESS": "/check-access/check-read-access",
    "GET_CHECK_ACCESS_CHECK_WRITE_ACCESS": "/check-access/check-write-access",
}
ADMIN_ENDPOINTS = {
    "GET_ADMIN_CONFIG": "/admin/config",
    "POST_ADMIN_STORE_RECORD": "/admin/store_record",
    "POST_ADMIN_STORE_RECORDS": "/admin/store_records",
    "POST_ADMIN_STORE_ALL_REGISTRY_RECORDS": "/admin/store_all_registry_records",
    "POST_MODEL_RUN_DELETE": "/model_run/delete",
    "GET_ADMIN_SENTRY_DEBUG": "/admin/sentry-debug",
}
