"""Links between operations for stateful tests, which the documents do not contain."""

from __future__ import annotations

from typing import Any

_RUN = "$response.body#/record_info/id"
_EXPLORERS = (
    "explore_upstream",
    "explore_downstream",
    "get_contributing_datasets",
    "get_effected_datasets",
    "get_contributing_agents",
    "get_effected_agents",
)

# The links of the 200 response of each operation.
LINKS: dict[str, list[dict[str, Any]]] = {
    "register_model_run_sync": [
        *({"operationId": name, "parameters": {"starting_id": _RUN}} for name in _EXPLORERS),
        {
            "operationId": "generate_report",
            "requestBody": {"id": _RUN, "item_subtype": "MODEL_RUN", "depth": 2},
        },
        {"operationId": "delete_model_run_provenance", "requestBody": {"record_id": _RUN}},
        {"operationId": "link_model_run_to_study", "parameters": {"model_run_id": _RUN}},
        {"operationId": "post_update_model_run", "requestBody": {"model_run_id": _RUN}},
    ],
    "convert_model_runs_to_csv": [
        {
            "operationId": "register_batch_model_runs",
            "requestBody": {"records": "$response.body#/new_records"},
        },
    ],
    "list_jobs": [
        {
            "operationId": "fetch_job",
            "parameters": {"session_id": "$response.body#/jobs/0/session_id"},
        },
        {
            "operationId": "list_jobs",
            "requestBody": {"pagination_key": "$response.body#/pagination_key"},
        },
        {
            "operationId": "list_batch",
            "requestBody": {"batch_id": "$response.body#/jobs/0/batch_id"},
        },
    ],
}


def add_links(document: dict[str, Any]) -> None:
    """Add the links of all operations in a document."""
    for item in document["paths"].values():
        for operation in item.values():
            links = LINKS.get(operation["operationId"], [])
            if links:
                named = {f"{link['operationId']}_{n}": link for n, link in enumerate(links)}
                operation["responses"]["200"]["links"] = named
