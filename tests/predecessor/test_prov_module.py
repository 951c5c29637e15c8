"""The predecessor's upper layer for the prov-api, method by method, with the files it writes."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import pytest
from predecessor.lineage import EXPLORERS, Expected
from predecessor.provena import (
    MARKS,
    SETTINGS,
    ProvenanceAPI,
    RegistryAPI,
    a_run,
    client_of,
    exceptions,
    record_of,
    registry_item,
)

from prov_facade.sandbox import Sandbox

pytestmark = MARKS


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files without an explicit path are written to the working directory."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def provena(sandbox: Sandbox) -> Any:
    return client_of(sandbox)


@pytest.fixture
def prov(provena: Any) -> Any:
    return provena.prov_api


def test_health(prov: Any) -> None:
    assert asyncio.run(prov.get_health_check()).message == "Health check successful."


@EXPLORERS
def test_lineage_is_typed(
    explorer: Callable[[Any], Any], found: Callable[[Expected], Any], sandbox: Sandbox, prov: Any
) -> None:
    expected = Expected(sandbox, a_run(sandbox))
    response = asyncio.run(explorer(prov)(expected.run, depth=1))
    links = {(link.source, link.type, link.target) for link in response.graph.links}
    assert links == found(expected)
    assert response.record_count == len(response.graph.nodes)
    kinds = {item.id: (item.item_category, item.item_subtype) for item in sandbox.items()}
    for node in response.graph.nodes:
        assert (node.item_category.value, node.item_subtype.value) == kinds[node.id]


def test_effected_agents(sandbox: Sandbox, prov: Any) -> None:
    expected = Expected(sandbox, a_run(sandbox))
    nodes = asyncio.run(prov.get_effected_agents(expected.run, depth=1)).graph.nodes
    agents = {node.id for node in nodes if node.item_category.value == "AGENT"}
    assert agents == expected.agents


def test_the_predecessors_default_depth_is_three(sandbox: Sandbox, prov: Any) -> None:
    run = a_run(sandbox).id
    assert asyncio.run(prov.explore_upstream(run)) == asyncio.run(prov.explore_upstream(run, 3))
    assert [request.query["depth"] for request in sandbox.requests] == ["3", "3"]


def test_registering_and_updating_start_jobs(sandbox: Sandbox, provena: Any) -> None:
    prov, record = provena.prov_api, record_of(sandbox, display_name="By the predecessor")
    batch = ProvenanceAPI.RegisterBatchModelRunRequest(records=[record])
    for call in (
        prov.register_model_run(model_run_payload=record),
        prov.register_batch_model_runs(batch_model_run_payload=batch),
        prov.update_model_run(model_run_id=a_run(sandbox).id, reason="A typo.", record=record),
    ):
        session_id = asyncio.run(call).session_id
        done = asyncio.run(provena.job_api.await_successful_job_completion(session_id, SETTINGS))
        assert done.session_id == session_id


# Files


def template_of(sandbox: Sandbox) -> str:
    found: str = a_run(sandbox).body["record"]["workflow_template_id"]
    return found


def test_a_csv_template_is_written(sandbox: Sandbox, prov: Any, tmp_path: Path) -> None:
    template = template_of(sandbox)
    text = asyncio.run(prov.generate_csv_template(template))
    assert text.startswith(f"_workflow template id {template},display name,")
    file = tmp_path / "template.csv"
    written = asyncio.run(
        prov.generate_csv_template(template, file_path=str(file), write_to_csv=True)
    )
    assert written == text
    assert file.read_bytes().decode() == text
    # In the predecessor's file name, the slash of a handle separates a folder.
    asyncio.run(prov.generate_csv_template(template, write_to_csv=True))
    assert (tmp_path / f"{template}.csv").read_bytes() == file.read_bytes()
    assert template.count("/") == 1


def test_the_csv_of_a_batch_is_written_and_read(
    sandbox: Sandbox, provena: Any, tmp_path: Path
) -> None:
    prov = provena.prov_api
    batch = ProvenanceAPI.RegisterBatchModelRunRequest(records=[record_of(sandbox)])
    session_id = asyncio.run(prov.register_batch_model_runs(batch)).session_id
    done = asyncio.run(provena.job_api.await_successful_job_completion(session_id, SETTINGS))
    batch_id = done.result["batch_id"]
    file = tmp_path / "batch.csv"
    text = asyncio.run(
        prov.regenerate_csv_from_model_run_batch(batch_id, file_path=str(file), write_to_csv=True)
    )
    assert file.read_bytes().decode() == text
    (job,) = asyncio.run(prov.convert_model_runs(text)).existing_records
    assert job in text
    from_file = asyncio.run(prov.convert_model_runs_to_csv_with_file(str(file)))
    assert from_file.existing_records == [job]

    # A row without its job is a new record.
    headers, row, *_ = text.split("\r\n")
    file.write_text(f"{headers}\n{','.join(row.split(',')[:-4])},,,,\n")
    (record,) = asyncio.run(prov.convert_model_runs_to_csv_with_file(str(file))).new_records
    associations = {"modeller_id": a_run(sandbox).body["record"]["associations"]["modeller_id"]}
    assert record == record_of(sandbox, associations=associations)


def test_a_file_name_requires_a_folder(sandbox: Sandbox, prov: Any) -> None:
    """A bug in the predecessor: a name without a folder is rejected, or cannot be written."""
    with pytest.raises(Exception, match=r"The provided path template\.csv is incorrect"):
        asyncio.run(
            prov.generate_csv_template(
                template_of(sandbox), file_path="template.csv", write_to_csv=True
            )
        )
    with pytest.raises(OSError, match=r"prov-api\.env"):
        asyncio.run(prov.admin.generate_config_file(write_to_file=True))


def test_reports_are_saved_as_documents(sandbox: Sandbox, prov: Any, tmp_path: Path) -> None:
    for item in (a_run(sandbox), sandbox.items("STUDY")[0]):
        subtype = RegistryAPI.ItemSubType(item.item_subtype)
        request = ProvenanceAPI.GenerateReportRequest(id=item.id, item_subtype=subtype, depth=1)
        asyncio.run(prov.generate_report(request, file_path=f"{tmp_path}/"))
        name = f"{item.id.replace('/', '_')} - Study Close Out Report.docx"
        document = docx.Document(io.BytesIO((tmp_path / name).read_bytes()))
        assert document.paragraphs[0].text.endswith(f" report: {item.display_name}")


def test_the_report_of_a_newer_server_is_saved_as_json(tmp_path: Path) -> None:
    """A bug in the predecessor: on servers since early 2026, it saves JSON as a document."""
    with Sandbox(report_style="job") as sandbox:
        item = a_run(sandbox)
        subtype = RegistryAPI.ItemSubType(item.item_subtype)
        request = ProvenanceAPI.GenerateReportRequest(id=item.id, item_subtype=subtype, depth=1)
        asyncio.run(client_of(sandbox).prov_api.generate_report(request, file_path=f"{tmp_path}/"))
        (file,) = tmp_path.iterdir()
        assert file.suffix == ".docx"
        response = ProvenanceAPI.PostUpdateModelRunResponse.model_validate_json(file.read_bytes())
        assert len(response.session_id) == 36


# For administrators


def test_a_config_file_is_written(prov: Any, tmp_path: Path) -> None:
    file = tmp_path / "prov-api.env"
    text = asyncio.run(
        prov.admin.generate_config_file(
            required_only=False, file_path=str(file), write_to_file=True
        )
    )
    assert file.read_text() == text
    assert "depth_default_limit=2" in text.splitlines()
    assert "depth_default_limit=2" not in asyncio.run(prov.admin.generate_config_file())


def test_deleted_records_can_be_restored(sandbox: Sandbox, prov: Any) -> None:
    run, other = sandbox.items("MODEL_RUN")[:2]
    before = asyncio.run(prov.explore_upstream(run.id))
    for store in (
        lambda: prov.admin.store_record(registry_item(run)),
        lambda: prov.admin.store_multiple_records([registry_item(run), registry_item(other)]),
        prov.admin.store_all_registry_records,
    ):
        asyncio.run(prov.admin.delete_model_run_provenance(run.id))
        assert asyncio.run(prov.explore_upstream(run.id)).record_count == 0
        assert asyncio.run(store()).status.success
        assert asyncio.run(prov.explore_upstream(run.id)) == before


def test_a_deletion_continues_in_the_registry(sandbox: Sandbox, prov: Any) -> None:
    run = a_run(sandbox).id
    trial = asyncio.run(prov.admin.delete_model_run_provenance_and_registry(run, trial_mode=True))
    assert trial == asyncio.run(prov.admin.delete_model_run_provenance(run, trial_mode=True))
    assert {"action_type": "REMOVE_NODE", "node_id": run} in trial.diff
    assert asyncio.run(prov.explore_upstream(run)).record_count > 1
    # The sandbox has no registry, but the lineage is deleted before the error.
    with pytest.raises(exceptions.NotFoundException):
        asyncio.run(prov.admin.delete_model_run_provenance_and_registry(run))
    assert asyncio.run(prov.explore_upstream(run)).record_count == 0
