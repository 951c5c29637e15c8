"""The smallest and the fullest call of each operation's facade method."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import api_document

from prov_facade import (
    AssociationInfo,
    GenerateReportRequest,
    ItemModelRun,
    ItemSubType,
    ModelRunRecord,
    ProvClient,
    RegisterBatchModelRunRequest,
)


@dataclass(frozen=True)
class Call:
    """A call of a facade method, and the request that it must send.

    Attributes:
        make: Makes the call.
        query: The expected query parameters.
        json: The expected JSON body, without its nulls.
        files: The expected uploads.
    """

    make: Callable[[ProvClient], Coroutine[Any, Any, Any]]
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    files: Mapping[str, bytes] = field(default_factory=dict)


def request_example(operation_id: str, number: int = 0) -> Any:
    """Return an example of an operation's request body."""
    body = api_document.operations()[operation_id].request_body
    assert body is not None
    examples = list(body["content"]["application/json"]["examples"].values())
    return api_document.example_value(examples[number])


RECORD = {
    "workflow_template_id": "10378.1/1769847",
    "inputs": [],
    "outputs": [],
    "display_name": "Reef run",
    "description": "Without extras",
    "associations": {"modeller_id": "10378.1/1955001"},
    "start_time": 1_700_000_000,
    "end_time": 1_700_003_600,
}
FULL_RECORD = {
    **RECORD,
    "model_version": "2.4.1",
    "inputs": [
        {
            "dataset_template_id": "10378.1/1905251",
            "dataset_id": "10378.1/1955003",
            "dataset_type": "DATA_STORE",
            "resources": {"forcing": "/data/größe.nc"},
        }
    ],
    "outputs": [
        {
            "dataset_template_id": "10378.1/1905252",
            "dataset_id": "10378.1/1955004",
            "dataset_type": "DATA_STORE",
        }
    ],
    "annotations": {"scenario": "RCP 4.5"},
    "study_id": "10378.1/1955005",
    "associations": {
        "modeller_id": "10378.1/1955001",
        "requesting_organisation_id": "10378.1/1955002",
    },
}
ITEM = request_example("store_record")
START = "10378.1/1955123"
CSV = "﻿_workflow template id 10378.1/1,display name\n--+++\n,Größe\n"
CSV_SENT = CSV.removeprefix("\ufeff").encode()


def _plain(method: str) -> tuple[Call, Call]:
    """Return the calls of a method without arguments; the fullest one has a timeout."""
    return (
        Call(lambda client: getattr(client, method)()),
        Call(lambda client: getattr(client, method)(timeout=5)),
    )


def _lineage(method: str) -> tuple[Call, Call]:
    return (
        Call(lambda client: getattr(client, method)(START), query={"starting_id": START}),
        Call(
            lambda client: getattr(client, method)(starting_id=START, depth=10, timeout=5),
            query={"starting_id": START, "depth": "10"},
        ),
    )


def _report(depth: int) -> Call:
    request = GenerateReportRequest(id=START, item_subtype=ItemSubType.STUDY, depth=depth)
    return Call(
        lambda client: client.generate_report(request),
        json={"id": START, "item_subtype": "STUDY", "depth": depth},
    )


CALLS: dict[str, tuple[Call, Call]] = {
    "get_health_check": _plain("get_health_check"),
    "check_general_access": _plain("check_general_access"),
    "check_read_access": _plain("check_read_access"),
    "check_write_access": _plain("check_write_access"),
    "check_admin_access": _plain("check_admin_access"),
    "register_model_run": (
        Call(lambda c: c.register_model_run(RECORD), json=RECORD),
        Call(
            lambda c: c.register_model_run(
                model_run_payload=ModelRunRecord.from_dict(FULL_RECORD), timeout=5
            ),
            json=FULL_RECORD,
        ),
    ),
    "register_batch_model_runs": (
        Call(lambda c: c.register_batch_model_runs({"records": []}), json={"records": []}),
        Call(
            lambda c: c.register_batch_model_runs(
                model_run_batch_payload=RegisterBatchModelRunRequest(
                    records=[
                        ModelRunRecord.from_dict(RECORD),
                        ModelRunRecord.from_dict(FULL_RECORD),
                    ]
                ),
                timeout=5,
            ),
            json={"records": [RECORD, FULL_RECORD]},
        ),
    ),
    "register_model_run_sync": (
        Call(lambda c: c.admin.register_model_run_sync(RECORD), json=RECORD),
        Call(
            lambda c: c.admin.register_model_run_sync(
                record=ModelRunRecord.from_dict(FULL_RECORD), timeout=5
            ),
            json=FULL_RECORD,
        ),
    ),
    "link_model_run_to_study": (
        Call(
            lambda c: c.link_model_run_to_study(START, "10378.1/2"),
            query={"model_run_id": START, "study_id": "10378.1/2"},
        ),
        Call(
            lambda c: c.link_model_run_to_study(
                model_run_id=START, study_id="10378.1/2 & co", timeout=5
            ),
            query={"model_run_id": START, "study_id": "10378.1/2 & co"},
        ),
    ),
    "post_update_model_run": (
        Call(
            lambda c: c.post_update_model_run(START, "typo", RECORD),
            json={"model_run_id": START, "reason": "typo", "record": RECORD},
        ),
        Call(
            lambda c: c.post_update_model_run(
                model_run_id=START,
                reason="typo",
                record=ModelRunRecord(
                    workflow_template_id="10378.1/1769847",
                    inputs=[],
                    outputs=[],
                    display_name="Reef run",
                    description="Without extras",
                    associations=AssociationInfo(modeller_id="10378.1/1955001"),
                    start_time=1_700_000_000,
                    end_time=1_700_003_600,
                    annotations={},
                ),
                timeout=5,
            ),
            json={
                "model_run_id": START,
                "reason": "typo",
                "record": {**RECORD, "annotations": {}},
            },
        ),
    ),
    "delete_model_run_provenance": (
        Call(
            lambda c: c.admin.delete_model_run_provenance(START),
            json={"record_id": START, "trial_mode": False},
        ),
        Call(
            lambda c: c.admin.delete_model_run_provenance(
                model_run_id=START, trial_mode=True, timeout=5
            ),
            json={"record_id": START, "trial_mode": True},
        ),
    ),
    "explore_upstream": _lineage("explore_upstream"),
    "explore_downstream": _lineage("explore_downstream"),
    "get_contributing_datasets": _lineage("get_contributing_datasets"),
    "get_effected_datasets": _lineage("get_effected_datasets"),
    "get_contributing_agents": _lineage("get_contributing_agents"),
    "get_effected_agents": _lineage("get_effected_agents"),
    "generate_report": (_report(1), _report(3)),
    "generate_csv_template": (
        Call(lambda c: c.generate_csv_template(START), query={"workflow_template_id": START}),
        Call(
            lambda c: c.generate_csv_template(workflow_template_id=START, timeout=5),
            query={"workflow_template_id": START},
        ),
    ),
    "convert_model_runs_to_csv": (
        Call(lambda c: c.convert_model_runs_to_csv("a\n"), files={"csv_file": b"a\n"}),
        Call(
            lambda c: c.convert_model_runs_to_csv(csv_file_contents=CSV, timeout=5),
            files={"csv_file": CSV_SENT},
        ),
    ),
    "regenerate_csv_from_model_run_batch": (
        Call(lambda c: c.regenerate_csv_from_model_run_batch("b1"), query={"batch_id": "b1"}),
        Call(
            lambda c: c.regenerate_csv_from_model_run_batch(batch_id="b1", timeout=5),
            query={"batch_id": "b1"},
        ),
    ),
    "generate_config_file": (
        Call(lambda c: c.admin.generate_config_file(), query={"required_only": "true"}),
        Call(
            lambda c: c.admin.generate_config_file(required_only=False, timeout=5),
            query={"required_only": "false"},
        ),
    ),
    "trigger_sentry_debug": (
        Call(lambda c: c.admin.trigger_sentry_debug()),
        Call(lambda c: c.admin.trigger_sentry_debug(timeout=5)),
    ),
    "store_record": (
        Call(lambda c: c.admin.store_record(ITEM), query={"validate_record": "true"}, json=ITEM),
        Call(
            lambda c: c.admin.store_record(
                registry_record=ItemModelRun.from_dict(ITEM), validate_record=False, timeout=5
            ),
            query={"validate_record": "false"},
            json=ITEM,
        ),
    ),
    "store_multiple_records": (
        Call(
            lambda c: c.admin.store_multiple_records([]),
            query={"validate_record": "true"},
            json=[],
        ),
        Call(
            lambda c: c.admin.store_multiple_records(
                registry_record=[ITEM, ItemModelRun.from_dict(ITEM)],
                validate_record=False,
                timeout=5,
            ),
            query={"validate_record": "false"},
            json=[ITEM, ITEM],
        ),
    ),
    "store_all_registry_records": (
        Call(lambda c: c.admin.store_all_registry_records(), query={"validate_record": "true"}),
        Call(
            lambda c: c.admin.store_all_registry_records(validate_record=False, timeout=5),
            query={"validate_record": "false"},
        ),
    ),
    "clear_graph": (
        Call(lambda c: c.admin.clear_graph(confirm=True)),
        Call(lambda c: c.admin.clear_graph(confirm=True, timeout=5)),
    ),
}
