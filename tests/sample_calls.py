"""Sample bodies, and the smallest call of each operation with a response."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from api_document import DOCX
from clients import TOKEN
from operation_calls import CALLS
from scripted_server import json_reply, reply

from prov_facade import ProvClient

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
FAILED = {"success": False, "details": "The registry is unavailable."}
LINEAGE = {
    "status": STATUS,
    "record_count": 1,
    "graph": {"nodes": [{"id": "10378.1/40"}], "links": []},
}
USER = {"username": "u", "email": "u@x.org", "roles": ["entity-registry-read"]}
SESSION = "7f1c2a5e-0000-4000-8000-000000000000"


def zipped(*names: str) -> bytes:
    """Build a ZIP archive with members of these names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, f"<{name}/>" * 50)
    return buffer.getvalue()


DOCUMENT = zipped("[Content_Types].xml", "word/document.xml")

Call = Callable[[ProvClient], Coroutine[Any, Any, Any]]


@dataclass(frozen=True)
class Sample:
    """A call of an operation, and a response: text, bytes, or a value that is sent as JSON."""

    call: Call
    response: object
    content_type: str = "application/json"

    @property
    def reply(self) -> bytes:
        if isinstance(self.response, str | bytes):
            body = self.response.encode() if isinstance(self.response, str) else self.response
            return reply(body, self.content_type)
        return json_reply(self.response)


_JOB = {"status": STATUS, "session_id": SESSION}
_USER = {**USER, "access_token": TOKEN}

RESPONSES: dict[str, Any] = {
    "get_health_check": {"message": "Up."},
    "check_general_access": _USER,
    "check_read_access": _USER,
    "check_write_access": _USER,
    "check_admin_access": _USER,
    "register_model_run": _JOB,
    "register_batch_model_runs": _JOB,
    "post_update_model_run": {"session_id": SESSION},
    "link_model_run_to_study": {**_JOB, "model_run_id": "10378.1/40", "study_id": "10378.1/50"},
    "explore_upstream": LINEAGE,
    "explore_downstream": LINEAGE,
    "get_contributing_datasets": LINEAGE,
    "get_effected_datasets": LINEAGE,
    "get_contributing_agents": LINEAGE,
    "get_effected_agents": LINEAGE,
    "generate_csv_template": "a,b\n",
    "convert_model_runs_to_csv": {
        "status": STATUS,
        "new_records": [RECORD],
        "existing_records": [],
        "warnings": None,
    },
    "regenerate_csv_from_model_run_batch": "a,b\n1,2\n",
    "generate_report": DOCUMENT,
    "generate_config_file": "A=1\n",
    "store_record": {"status": STATUS},
    "store_multiple_records": {"status": STATUS},
    "store_all_registry_records": {"status": STATUS},
    "delete_model_run_provenance": {"diff": []},
    "register_model_run_sync": {
        "status": STATUS,
        "record_info": {"id": "10378.1/40", "prov_json": "{}", "record": RECORD},
    },
    "trigger_sentry_debug": {"message": "Off."},
    "clear_graph": {"status": STATUS},
}
_CONTENT_TYPES = {
    "generate_csv_template": "text/csv",
    "regenerate_csv_from_model_run_batch": "text/csv",
    "generate_report": DOCX,
    "generate_config_file": "text/plain; charset=utf-8",
}
SAMPLES = {
    name: Sample(CALLS[name][0].make, response, _CONTENT_TYPES.get(name, "application/json"))
    for name, response in RESPONSES.items()
}
"""The smallest call of every operation, and a response to it."""

WRITE = SAMPLES["register_model_run_sync"]
LINEAGE_REPLY = json_reply(LINEAGE)
UNAVAILABLE = json_reply({"detail": "Down for maintenance."}, 503)
UNAUTHORIZED = json_reply({"detail": "Could not validate credentials"}, 401)
