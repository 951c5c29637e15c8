"""Responses of a scripted job-api."""

from __future__ import annotations

from typing import Any

from scripted_server import json_reply

SESSION = "7f0c1a52-1c1e-4c3d-9a64-2f1f5a3f8f11"
UNKNOWN = json_reply({"detail": "Item was not found."}, 400)


def job_table(status: str, **changes: Any) -> dict[str, Any]:
    """A job, as the job-api represents it."""
    job = {
        "session_id": SESSION,
        "created_timestamp": 1_760_000_000,
        "username": "ann",
        "batch_id": None,
        "payload": {},
        "job_type": "PROV_LODGE",
        "job_sub_type": "MODEL_RUN_PROV_LODGE",
        "gsi_status": "ok",
        "status": status,
        "info": None,
        "result": {} if status == "SUCCEEDED" else None,
    }
    return {**job, **changes}


def job_reply(status: str, **changes: Any) -> bytes:
    """The response to a request for a job."""
    found = {"success": True, "details": "Found."}
    return json_reply({"status": found, "job": job_table(status, **changes)})


DONE = job_reply("SUCCEEDED")
