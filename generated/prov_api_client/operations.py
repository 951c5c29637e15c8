# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""Every operation of the document, by its operation id."""

from collections.abc import Mapping
from typing import Any

from .api.access import (
    check_admin_access,
    check_general_access,
    check_read_access,
    check_write_access,
)
from .api.admin import (
    clear_graph,
    delete_model_run_provenance,
    generate_config_file,
    register_model_run_sync,
    store_all_registry_records,
    store_multiple_records,
    store_record,
    trigger_sentry_debug,
)
from .api.bulk import (
    convert_model_runs_to_csv,
    generate_csv_template,
    regenerate_csv_from_model_run_batch,
)
from .api.explore import (
    explore_downstream,
    explore_upstream,
    generate_report,
    get_contributing_agents,
    get_contributing_datasets,
    get_effected_agents,
    get_effected_datasets,
)
from .api.health import (
    get_health_check,
)
from .api.model_run import (
    link_model_run_to_study,
    post_update_model_run,
    register_batch_model_runs,
    register_model_run,
)
from .operation import Operation

OPERATIONS: Mapping[str, Operation[Any]] = {
    "check_admin_access": check_admin_access.OPERATION,
    "check_general_access": check_general_access.OPERATION,
    "check_read_access": check_read_access.OPERATION,
    "check_write_access": check_write_access.OPERATION,
    "clear_graph": clear_graph.OPERATION,
    "delete_model_run_provenance": delete_model_run_provenance.OPERATION,
    "generate_config_file": generate_config_file.OPERATION,
    "register_model_run_sync": register_model_run_sync.OPERATION,
    "store_all_registry_records": store_all_registry_records.OPERATION,
    "store_multiple_records": store_multiple_records.OPERATION,
    "store_record": store_record.OPERATION,
    "trigger_sentry_debug": trigger_sentry_debug.OPERATION,
    "convert_model_runs_to_csv": convert_model_runs_to_csv.OPERATION,
    "generate_csv_template": generate_csv_template.OPERATION,
    "regenerate_csv_from_model_run_batch": regenerate_csv_from_model_run_batch.OPERATION,
    "explore_downstream": explore_downstream.OPERATION,
    "explore_upstream": explore_upstream.OPERATION,
    "generate_report": generate_report.OPERATION,
    "get_contributing_agents": get_contributing_agents.OPERATION,
    "get_contributing_datasets": get_contributing_datasets.OPERATION,
    "get_effected_agents": get_effected_agents.OPERATION,
    "get_effected_datasets": get_effected_datasets.OPERATION,
    "get_health_check": get_health_check.OPERATION,
    "link_model_run_to_study": link_model_run_to_study.OPERATION,
    "post_update_model_run": post_update_model_run.OPERATION,
    "register_batch_model_runs": register_batch_model_runs.OPERATION,
    "register_model_run": register_model_run.OPERATION,
}
