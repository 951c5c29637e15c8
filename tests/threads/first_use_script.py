"""Uses every model for the first time, and prints each Python function of msgspec that this calls.

msgspec inspects a class in Python at its first use. If another thread interrupts it there and uses
the class, which is initialized only in part, the process crashes. So all classes are inspected at
import. Decoding and converting afterwards run in C only.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import msgspec

from job_api_client.models import JobStatusTable
from job_api_client.operations import OPERATIONS as JOB_OPERATIONS
from prov_api_client import Operation, Request
from prov_api_client.errors import ResponseError
from prov_api_client.operations import OPERATIONS
from prov_api_client.types import Model
from prov_facade._http.requests import validate_request
from prov_facade._jobs import results as job_results
from prov_facade.errors import InvalidRequestError, InvalidResponseError

MSGSPEC = str(Path(msgspec.__file__).parent)
JOB: dict[str, Any] = {
    "session_id": "1",
    "created_timestamp": 1,
    "username": "u",
    "batch_id": None,
    "payload": {},
    "job_type": "PROV_LODGE",
    "job_sub_type": "MODEL_RUN_PROV_LODGE",
    "status": "SUCCEEDED",
    "info": "",
    "result": {},
    "usage": "GENERAL_USER",
    "gsi_status": "ok",
}


def use(operation: Operation[Any]) -> None:
    for status, readers in operation.responses.items():
        for content_type in readers:
            headers = {"content-type": content_type}
            response = httpx.Response(int(status), headers=headers, content=b"{}")
            with suppress(ResponseError):
                operation.read(response)
    with suppress(InvalidRequestError):
        validate_request(Request(operation, query=dict.fromkeys(operation.parameters)))
    if operation.body is not None:
        with suppress(InvalidRequestError):
            validate_request(Request(operation, body={}))
        if isinstance(operation.body, type) and issubclass(operation.body, Model):
            with suppress(msgspec.ValidationError):
                operation.body.from_dict({})


def print_msgspec_call(frame: FrameType, event: str, _: object) -> None:
    if event == "call" and frame.f_code.co_filename.startswith(MSGSPEC):
        print(frame.f_code.co_name, "of", frame.f_locals)


if __name__ == "__main__":
    sys.setprofile(print_msgspec_call)
    for operation in (*OPERATIONS.values(), *JOB_OPERATIONS.values()):
        use(operation)
    job = JobStatusTable.from_dict(JOB)
    for read in (job_results.registered_model_run, job_results.batch_id, job_results.report_url):
        with suppress(InvalidResponseError):
            read(job)
    sys.setprofile(None)
    print("done")
