"""What the server refuses, with which status and body: not every refusal is a 400."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from sandbox import http
from sandbox.caller import JOBS, Caller, record_of

from prov_facade.sandbox import Sandbox

UNKNOWN = "10378.1/404"
EXPLORE = (
    "upstream",
    "downstream",
    "special/contributing_datasets",
    "special/effected_datasets",
    "special/contributing_agents",
    "special/effected_agents",
)
REGENERATE = "/bulk/regenerate_from_batch/csv"
Send = Callable[[Caller], httpx.Response]


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.mark.parametrize("path", EXPLORE)
def test_exploring_an_unknown_item_is_a_500_in_json(path: str, shared: Sandbox) -> None:
    response = Caller(shared).get(f"/explore/{path}", starting_id=UNKNOWN)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/json"
    assert response.json()["detail"].startswith(f"The provided id {UNKNOWN} was not a valid")


@pytest.mark.parametrize("path", EXPLORE)
def test_a_negative_depth_is_a_500_and_zero_is_the_default(path: str, shared: Sandbox) -> None:
    caller, start = Caller(shared), shared.items("MODEL_RUN")[0].id
    assert caller.get(f"/explore/{path}", starting_id=start, depth=-1).status_code == 500
    default = caller.get(f"/explore/{path}", starting_id=start)
    assert caller.get(f"/explore/{path}", starting_id=start, depth=0).json() == default.json()


@pytest.mark.parametrize(
    "send",
    [
        lambda caller: caller.get(f"{JOBS}/fetch", session_id=""),
        lambda caller: caller.post(f"{JOBS}/list_batch", {"batch_id": ""}),
        lambda caller: caller.post(f"{JOBS}/list", {"limit": 0}),
    ],
    ids=["session id", "batch id", "limit"],
)
def test_what_the_table_of_jobs_rejects_is_a_500_in_json(send: Send, shared: Sandbox) -> None:
    response = send(Caller(shared))
    assert response.status_code == 500
    assert response.json()["detail"].startswith("Unexpected internal error occurred: ")


def empty_batch(caller: Caller) -> str:
    job = caller.wait_for_job(caller.start_job("/model_run/register_batch", {"records": []}))
    assert job["status"] == "FAILED"
    return str(job["session_id"])


def batch_of_another_user(caller: Caller) -> str:
    return Caller(caller.sandbox, "bob").register_batch([record_of(caller.sandbox)])


def batch_with_a_time_without_a_date(caller: Caller) -> str:
    return caller.register_batch([record_of(caller.sandbox, end_time=10**15)])


@pytest.mark.parametrize(
    "batch",
    [
        lambda _: "2f4d6c1e-8b0a-4d53-9a7e-3c5b7d9e1f20",
        lambda _: "",
        empty_batch,
        batch_of_another_user,
        batch_with_a_time_without_a_date,
    ],
    ids=["unknown", "no id", "empty", "of another user", "a time without a date"],
)
def test_a_batch_that_cannot_be_regenerated_is_an_unhandled_500(
    batch: Callable[[Caller], str], shared: Sandbox
) -> None:
    caller = Caller(shared, "ann")
    response = caller.get(REGENERATE, batch_id=batch(caller))
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert response.headers["content-type"].startswith("text/plain")


def test_the_connection_is_closed_after_an_unhandled_500(
    shared: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Like uvicorn's, without a header that announces it."""
    with socket.create_connection(("127.0.0.1", int(shared.url.rpartition(":")[2]))) as connection:
        connection.settimeout(10)
        connection.sendall(
            f"GET {REGENERATE}?batch_id=1 HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {shared.token('read')}\r\n\r\n".encode()
        )
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 500 ")
    assert received.endswith(b"Internal Server Error")
    assert b"connection: close" not in received.lower()
    assert not caplog.records


def test_updating_an_unknown_run_is_a_job_that_fails(shared: Sandbox) -> None:
    caller = Caller(shared)
    record = record_of(shared)
    body = {"model_run_id": UNKNOWN, "reason": "A typo.", "record": record}
    job = caller.wait_for_job(caller.start_job("/model_run/update", body))
    assert (job["status"], job["result"]) == ("FAILED", None)
    assert UNKNOWN in job["info"]
    refused = caller.post("/model_run/update", {**body, "record": {**record, "inputs": []}})
    assert refused.status_code == 400


@pytest.mark.parametrize(
    ("item_id", "subtype"), [(UNKNOWN, "STUDY"), ("run", "STUDY"), ("run", "DATASET")]
)
def test_a_report_that_cannot_be_created_is_a_job_that_fails(
    item_id: str, subtype: str, shared: Sandbox
) -> None:
    caller = Caller(shared)
    item_id = shared.items("MODEL_RUN")[0].id if item_id == "run" else item_id
    body = {"id": item_id, "item_subtype": subtype, "depth": 1}
    job = caller.wait_for_job(caller.start_job("/explore/generate/report", body))
    assert (job["status"], job["result"]) == ("FAILED", None)
    assert job["info"]


@pytest.mark.parametrize("subtype", ["STUDY", "DATASET"])
def test_an_older_server_refuses_such_a_report(subtype: str) -> None:
    body = {"id": UNKNOWN, "item_subtype": subtype, "depth": 1}
    with Sandbox(report_style="document") as sandbox:
        assert Caller(sandbox).post("/explore/generate/report", body).status_code == 400


WRITER = ("/check-access/check-write-access", ("read",))
READER = ("/check-access/check-read-access", ("write",))


@pytest.mark.parametrize(("path", "roles"), [WRITER, READER])
def test_a_missing_role_is_a_401_with_a_challenge(
    path: str, roles: tuple[str, ...], shared: Sandbox
) -> None:
    response = Caller(shared, "ann", *roles).get(path)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert "correct role" in response.json()["detail"]


def test_a_job_of_another_user_is_a_401_without_a_challenge(shared: Sandbox) -> None:
    job = Caller(shared, "ann").start_job("/model_run/register", record_of(shared))
    Caller(shared, "ann").wait_for_job(job)
    response = Caller(shared, "bob").fetch_job(job)
    assert response.status_code == 401
    assert "WWW-Authenticate" not in response.headers


BODIES = (
    "/model_run/register",
    "/model_run/register_batch",
    "/model_run/register_sync",
    "/model_run/update",
    "/model_run/delete",
    "/explore/generate/report",
    "/admin/store_record",
    "/admin/store_records",
    f"{JOBS}/list",
    f"{JOBS}/list_batch",
)


def post_bytes(sandbox: Sandbox, path: str, content: bytes) -> httpx.Response:
    token = sandbox.token("read", "write", "admin")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return http.post(sandbox.url + path, headers=headers, content=content)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("content", [b'{"a": "\xff"}', b'{"a": ' * 100_000], ids=["bytes", "deep"])
def test_a_body_that_cannot_be_parsed_is_a_400(path: str, content: bytes, shared: Sandbox) -> None:
    response = post_bytes(shared, path, content)
    assert response.status_code == 400
    assert response.json() == {"detail": "There was an error parsing the body"}


MISSING = ("field required", "value_error.missing")
NO_DICT = ("value is not a valid dict", "type_error.dict")
NO_LIST = ("value is not a valid list", "type_error.list")
NONE = ("none is not an allowed value", "type_error.none.not_allowed")


@pytest.mark.parametrize(
    ("path", "body", "loc", "error"),
    [
        ("/model_run/register", None, ["body"], MISSING),
        ("/model_run/register", [], ["body", "workflow_template_id"], MISSING),
        ("/model_run/register", [[1]], ["body"], NO_DICT),
        ("/model_run/register", "a", ["body"], NO_DICT),
        ("/model_run/register_batch", {"records": None}, ["body", "records"], NONE),
        ("/model_run/register_batch", {"records": [None]}, ["body", "records", 0], NONE),
        (
            "/model_run/register_batch",
            {"records": [[]]},
            ["body", "records", 0, "workflow_template_id"],
            MISSING,
        ),
        ("/model_run/register_batch", {"records": [7]}, ["body", "records", 0], NO_DICT),
        ("/admin/store_records", None, ["body"], MISSING),
        ("/admin/store_records", [None], ["body", 0], NONE),
        ("/admin/store_records", [[]], ["body", 0, "display_name"], MISSING),
        ("/admin/store_records", {}, ["body"], NO_LIST),
    ],
)
def test_records_that_are_not_objects_are_a_422(
    path: str, body: Any, loc: list[Any], error: tuple[str, str], shared: Sandbox
) -> None:
    response = post_bytes(shared, path, json.dumps(body).encode())
    assert response.status_code == 422
    first = response.json()["detail"][0]
    assert (first["loc"], (first["msg"], first["type"])) == (loc, error)
