"""The predecessor's lower layer for the prov-api, method by method."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable
from typing import Any

import docx
import pytest
from predecessor.lineage import EXPLORERS, Expected, ids_of, links_of
from predecessor.provena import (
    MARKS,
    ProvenanceAPI,
    RegistryAPI,
    a_run,
    exceptions,
    low_level_of,
    record_of,
    registry_item,
)

from prov_facade.sandbox import Sandbox

pytestmark = MARKS


@pytest.fixture
def prov(sandbox: Sandbox) -> Any:
    return low_level_of(sandbox)


def test_health(prov: Any) -> None:
    assert asyncio.run(prov.get_health_check()).message == "Health check successful."


def test_errors_are_distinguished(sandbox: Sandbox, prov: Any) -> None:
    reader = low_level_of(sandbox, "read")
    with pytest.raises(exceptions.AuthException, match="correct role"):
        asyncio.run(reader.register_model_run(model_run_payload=record_of(sandbox)))
    with pytest.raises(exceptions.AuthException, match="correct role"):
        asyncio.run(reader.admin.generate_config_file(required_only=True))
    with pytest.raises(exceptions.BadRequestException, match="depth maximum: 10"):
        asyncio.run(prov.explore_upstream(starting_id=a_run(sandbox).id, depth=11))
    unknown = record_of(sandbox, study_id="10378.1/404")
    with pytest.raises(exceptions.BadRequestException, match=r"10378\.1/404"):
        asyncio.run(prov.register_model_run(model_run_payload=unknown))
    request = ProvenanceAPI.GenerateReportRequest.model_construct(
        id=a_run(sandbox).id, item_subtype=RegistryAPI.ItemSubType.MODEL_RUN, depth=4
    )
    with pytest.raises(exceptions.HTTPValidationException, match="depth"):
        asyncio.run(prov.generate_report(report_request=request))


Explorer = Callable[[Any], Any]


@EXPLORERS
def test_lineage(
    explorer: Explorer, found: Callable[[Expected], Any], sandbox: Sandbox, prov: Any
) -> None:
    expected = Expected(sandbox, a_run(sandbox))
    response = asyncio.run(explorer(prov)(starting_id=expected.run, depth=1))
    assert response.status.success
    links = links_of(response.graph)
    assert links == found(expected)
    assert ids_of(response.graph) == {link[0] for link in links} | {link[2] for link in links}
    assert response.record_count == len(response.graph["nodes"])
    assert (response.graph["directed"], response.graph["multigraph"]) == (True, False)


def test_effected_agents(sandbox: Sandbox, prov: Any) -> None:
    expected = Expected(sandbox, a_run(sandbox))
    response = asyncio.run(prov.get_effected_agents(starting_id=expected.run, depth=1))
    assert ids_of(response.graph) >= expected.agents
    agents = {n["id"] for n in response.graph["nodes"] if n["item_category"] == "AGENT"}
    assert agents == expected.agents


def test_registering_and_updating_start_jobs(sandbox: Sandbox, prov: Any) -> None:
    record = record_of(sandbox, display_name="By the predecessor")
    one = asyncio.run(prov.register_model_run(model_run_payload=record))
    batch = ProvenanceAPI.RegisterBatchModelRunRequest(records=[record, record])
    many = asyncio.run(prov.register_batch_model_runs(model_run_batch_payload=batch))
    assert one.status.success
    assert many.status.success
    changed = asyncio.run(
        prov.post_update_model_run(model_run_id=a_run(sandbox).id, reason="A typo.", record=record)
    )
    # test_jobs.py follows the jobs.
    assert len({one.session_id, many.session_id, changed.session_id}) == 3


def workflow_template(sandbox: Sandbox) -> str:
    found: str = a_run(sandbox).body["record"]["workflow_template_id"]
    return found


def test_csv_template(sandbox: Sandbox, prov: Any) -> None:
    template_id = workflow_template(sandbox)
    text = asyncio.run(prov.generate_csv_template(workflow_template_id=template_id))
    (headers,) = csv.reader(io.StringIO(text))
    assert headers[:8] == [
        f"_workflow template id {template_id}",
        "display name",
        "description",
        "model version (optional)",
        "agent id",
        "study id",
        "execution start time (YYYY-MM-DD HH:MM:SS+HH:MM)",
        "execution end time (YYYY-MM-DD HH:MM:SS+HH:MM)",
    ]
    assert headers[-4:] == ["_job_id", "_job_status", "_model_run_record_id", "_error_info"]
    for side, sets in (("Input", "input_templates"), ("Output", "output_templates")):
        (item,) = (item for item in sandbox.items("WORKFLOW_TEMPLATE") if item.id == template_id)
        wanted = [f"[template id: {used['template_id']}]" for used in item.body[sets]]
        start = f"{side} dataset id for template: "
        found = [header for header in headers if header.startswith(start)]
        assert [header[header.index("[") :] for header in found] == wanted


def test_csv_is_converted(sandbox: Sandbox, prov: Any) -> None:
    run = a_run(sandbox).body["record"]
    text = asyncio.run(prov.generate_csv_template(workflow_template_id=workflow_template(sandbox)))
    (headers,) = csv.reader(io.StringIO(text))
    row = dict.fromkeys(headers, "") | {
        "display name": "A row, with a comma",
        "description": "Über allem",
        "agent id": run["associations"]["modeller_id"],
        "study id": run["study_id"],
        "execution start time (YYYY-MM-DD HH:MM:SS+HH:MM)": "2026-01-01 10:00:00+10:00",
        "execution end time (YYYY-MM-DD HH:MM:SS+HH:MM)": "2026-01-01 01:00:00+00:00",
    }
    for side in ("Input", "Output"):
        for used in run[f"{side.lower()}s"]:
            start, end = f"{side} dataset id for ", f"[template id: {used['dataset_template_id']}]"
            (header,) = (h for h in headers if h.startswith(start) and h.endswith(end))
            row[header] = used["dataset_id"]
            row |= {f"{side} resource: {k}": v for k, v in (used["resources"] or {}).items()}
    row |= {f"annotation: {key}": value for key, value in run["annotations"].items()}
    assert row.keys() == set(headers)
    filled = io.StringIO(newline="")
    writer = csv.DictWriter(filled, headers)
    writer.writeheader()
    writer.writerow(row)
    response = asyncio.run(prov.convert_model_runs_to_csv(csv_file_contents=filled.getvalue()))
    assert response.status.success
    assert not response.existing_records
    (record,) = response.new_records
    assert record == record_of(
        sandbox,
        display_name="A row, with a comma",
        description="Über allem",
        start_time=1767225600,
        end_time=1767229200,
        model_version=None,
        # No column contains the requesting organisation.
        associations={"modeller_id": run["associations"]["modeller_id"]},
    )
    # The record is valid.
    assert asyncio.run(prov.register_model_run(model_run_payload=record)).session_id


def test_invalid_csv_is_an_error(prov: Any) -> None:
    with pytest.raises(exceptions.BadRequestException, match="workflow template id"):
        asyncio.run(prov.convert_model_runs_to_csv(csv_file_contents="a,b\r\n1,2\r\n"))
    with pytest.raises(exceptions.ServerException, match="Internal Server Error"):
        asyncio.run(prov.regenerate_csv_from_model_run_batch(batch_id="none"))


def test_report_is_a_document(sandbox: Sandbox, prov: Any) -> None:
    run = a_run(sandbox)
    request = ProvenanceAPI.GenerateReportRequest(
        id=run.id, item_subtype=RegistryAPI.ItemSubType.MODEL_RUN, depth=2
    )
    content = asyncio.run(prov.generate_report(report_request=request))
    paragraphs = docx.Document(io.BytesIO(content)).paragraphs
    assert paragraphs[0].text == f"Model run report: {run.display_name}"


# For administrators


def test_config_file(prov: Any) -> None:
    required = asyncio.run(prov.admin.generate_config_file(required_only=True))
    everything = asyncio.run(prov.admin.generate_config_file(required_only=False))
    assert "stage=SANDBOX" in required.splitlines()
    assert "depth_upper_limit=10" not in required
    assert "depth_upper_limit=10" in everything.splitlines()
    assert all("=" in line for line in everything.splitlines())


def test_deleted_records_can_be_restored(sandbox: Sandbox, prov: Any) -> None:
    expected = Expected(sandbox, a_run(sandbox))
    run, other = a_run(sandbox), sandbox.items("MODEL_RUN")[1]

    def found() -> Any:
        return links_of(asyncio.run(prov.explore_upstream(starting_id=run.id, depth=1)).graph)

    stores: list[Callable[[], Any]] = [
        lambda: prov.admin.store_record(registry_record=registry_item(run), validate_record=True),
        lambda: prov.admin.store_multiple_records(
            registry_record=[registry_item(other), registry_item(run)], validate_record=False
        ),
        lambda: prov.admin.store_all_registry_records(validate_record=True),
    ]
    for store in stores:
        asyncio.run(prov.admin.delete_model_run_provenance(model_run_id=run.id))
        assert found() == set()
        assert asyncio.run(store()).status.success
        assert found() == expected.upstream


def test_a_trial_deletion_lists_the_changes_and_deletes_nothing(
    sandbox: Sandbox, prov: Any
) -> None:
    expected = Expected(sandbox, a_run(sandbox))

    def delete(*, trial_mode: bool) -> Any:
        return asyncio.run(
            prov.admin.delete_model_run_provenance(model_run_id=expected.run, trial_mode=trial_mode)
        ).diff

    def count() -> int:
        response = asyncio.run(prov.explore_upstream(starting_id=expected.run, depth=1))
        found: int = response.record_count
        return found

    before = count()
    trial = delete(trial_mode=True)
    assert {"action_type": "REMOVE_NODE", "node_id": expected.run} in trial
    removed = {
        (link["source"]["id"], link["relation"], link["target"]["id"])
        for link in (change["link"] for change in trial if change["action_type"] == "REMOVE_LINK")
    }
    assert expected.upstream <= removed
    assert count() == before > 1
    assert delete(trial_mode=False) == trial
    assert count() == 0
