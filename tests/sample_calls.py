"""Samples: bodies, the smallest call of every operation, and what it is answered with."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from clients import TOKEN
from scripted_server import json_reply, reply

from prov_facade import ProvClient

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

DATASET = {
    "dataset_template_id": "10378.1/20",
    "dataset_id": "10378.1/21",
    "dataset_type": "DATA_STORE",
}
RECORD: dict[str, Any] = {
    "workflow_template_id": "10378.1/10",
    "inputs": [DATASET],
    "outputs": [{**DATASET, "dataset_id": "10378.1/22", "resources": {"path": "a/b.nc"}}],
    "display_name": "Run 7",
    "description": "Sélection of cyclones",
    "associations": {"modeller_id": "10378.1/30"},
    "start_time": 1_700_000_000,
    "end_time": 1_700_003_600,
}
ITEM: dict[str, Any] = {
    "display_name": "Run 7",
    "record_status": "LODGED",
    "record": RECORD,
    "prov_serialisation": "{}",
    "history": [],
    "id": "10378.1/40",
    "owner_username": "u",
    "created_timestamp": 1_700_000_000,
    "updated_timestamp": 1_700_000_000,
    "record_type": "COMPLETE_ITEM",
}
REPORT = {"id": "10378.1/40", "item_subtype": "MODEL_RUN", "depth": 1}

STATUS = {"success": True, "details": "Done."}
FAILED = {"success": False, "details": "The registry is away."}
LINEAGE = {
    "status": STATUS,
    "record_count": 1,
    "graph": {"nodes": [{"id": "10378.1/40"}], "links": []},
}
USER = {"username": "u", "email": "u@x.org", "roles": ["entity-registry-read"]}
SESSION = "7f1c2a5e-0000-4000-8000-000000000000"


def zipped(*names: str) -> bytes:
    """A ZIP archive with members of these names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, f"<{name}/>" * 50)
    return buffer.getvalue()


DOCUMENT = zipped("[Content_Types].xml", "word/document.xml")

Call = Callable[[ProvClient], Coroutine[Any, Any, object]]


@dataclass(frozen=True)
class Sample:
    """A call of an operation, and an answer to it: text, bytes, or what is sent as JSON."""

    call: Call
    answer: object
    content_type: str = "application/json"

    @property
    def reply(self) -> bytes:
        if isinstance(self.answer, str | bytes):
            body = self.answer.encode() if isinstance(self.answer, str) else self.answer
            return reply(body, self.content_type)
        return json_reply(self.answer)


_JOB = {"status": STATUS, "session_id": SESSION}
_USER = {**USER, "access_token": TOKEN}

SAMPLES = {
    "get_health_check": Sample(lambda c: c.get_health_check(), {"message": "Up."}),
    "check_general_access": Sample(lambda c: c.check_general_access(), _USER),
    "check_read_access": Sample(lambda c: c.check_read_access(), _USER),
    "check_write_access": Sample(lambda c: c.check_write_access(), _USER),
    "check_admin_access": Sample(lambda c: c.check_admin_access(), _USER),
    "register_model_run": Sample(lambda c: c.register_model_run(RECORD), _JOB),
    "register_batch_model_runs": Sample(
        lambda c: c.register_batch_model_runs({"records": [RECORD]}), _JOB
    ),
    "post_update_model_run": Sample(
        lambda c: c.post_update_model_run("10378.1/40", "typo", RECORD), {"session_id": SESSION}
    ),
    "link_model_run_to_study": Sample(
        lambda c: c.link_model_run_to_study("10378.1/40", "10378.1/50"),
        {**_JOB, "model_run_id": "10378.1/40", "study_id": "10378.1/50"},
    ),
    "explore_upstream": Sample(lambda c: c.explore_upstream("1"), LINEAGE),
    "explore_downstream": Sample(lambda c: c.explore_downstream("1"), LINEAGE),
    "get_contributing_datasets": Sample(lambda c: c.get_contributing_datasets("1"), LINEAGE),
    "get_effected_datasets": Sample(lambda c: c.get_effected_datasets("1"), LINEAGE),
    "get_contributing_agents": Sample(lambda c: c.get_contributing_agents("1"), LINEAGE),
    "get_effected_agents": Sample(lambda c: c.get_effected_agents("1"), LINEAGE),
    "generate_csv_template": Sample(lambda c: c.generate_csv_template("1"), "a,b\n", "text/csv"),
    "convert_model_runs_to_csv": Sample(
        lambda c: c.convert_model_runs_to_csv("a,b\n1,2\n"),
        {"status": STATUS, "new_records": [RECORD], "existing_records": [], "warnings": None},
    ),
    "regenerate_csv_from_model_run_batch": Sample(
        lambda c: c.regenerate_csv_from_model_run_batch("b"), "a,b\n1,2\n", "text/csv"
    ),
    "generate_report": Sample(lambda c: c.generate_report(REPORT), DOCUMENT, DOCX),
    "generate_config_file": Sample(
        lambda c: c.admin.generate_config_file(), "A=1\n", "text/plain; charset=utf-8"
    ),
    "store_record": Sample(lambda c: c.admin.store_record(ITEM), {"status": STATUS}),
    "store_multiple_records": Sample(
        lambda c: c.admin.store_multiple_records([ITEM]), {"status": STATUS}
    ),
    "store_all_registry_records": Sample(
        lambda c: c.admin.store_all_registry_records(), {"status": STATUS}
    ),
    "delete_model_run_provenance": Sample(
        lambda c: c.admin.delete_model_run_provenance("10378.1/40"), {"diff": []}
    ),
    "register_model_run_sync": Sample(
        lambda c: c.admin.register_model_run_sync(RECORD),
        {
            "status": STATUS,
            "record_info": {"id": "10378.1/40", "prov_json": "{}", "record": RECORD},
        },
    ),
    "trigger_sentry_debug": Sample(lambda c: c.admin.trigger_sentry_debug(), {"message": "Off."}),
    "clear_graph": Sample(lambda c: c.admin.clear_graph(confirm=True), {"status": STATUS}),
}

WRITE = SAMPLES["register_model_run_sync"]
LINEAGE_REPLY = json_reply(LINEAGE)
UNAVAILABLE = json_reply({"detail": "Away."}, 503)
UNAUTHORIZED = json_reply({"detail": "Could not validate credentials"}, 401)
