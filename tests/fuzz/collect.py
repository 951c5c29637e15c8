"""Collects existing ids, records and files for requests to a sandbox."""

from __future__ import annotations

import httpx
from fuzz.content import Content
from fuzz.jobs import JobsClient
from sandbox.caller import COMPLETE_RUN, run_of

from prov_facade.sandbox import Sandbox

_BATCH_SIZE = 24


def collect(sandbox: Sandbox, client: httpx.Client) -> Content:
    """Register a batch of model runs with a new sandbox, and return the content of the sandbox.

    Args:
        sandbox: The sandbox.
        client: An HTTP client that sends a token.
    """
    jobs = JobsClient(sandbox, client)
    records = [run.body["record"] for run in sandbox.items("MODEL_RUN")]

    complete = run_of(sandbox, COMPLETE_RUN).body["record"]
    batch = {"records": [{**complete, "study_id": None}] * _BATCH_SIZE}
    response = client.post(f"{sandbox.url}/model_run/register_batch", json=batch)
    submitted = response.raise_for_status().json()["session_id"]
    batch_id = jobs.result(submitted)["batch_id"]
    session_ids = [job["session_id"] for job in jobs.of_batch(batch_id, _BATCH_SIZE)]
    unlinked = [jobs.result(session_id)["record"]["id"] for session_id in session_ids]

    address = f"{sandbox.url}/bulk/regenerate_from_batch/csv"
    response = client.get(address, params={"batch_id": batch_id})
    header, *known = response.raise_for_status().text.splitlines()
    # Without the last four cells, which are about its job, a row is a new model run.
    new = [row.rsplit(",", 4)[0] + ",,,," for row in known]

    items: dict[str, list[str]] = {}
    for item in sandbox.items():
        items.setdefault(item.item_subtype, []).append(item.id)
    return Content(
        items=items,
        records=records,
        unlinked=unlinked,
        session_ids=[submitted, *session_ids],
        batch_ids=[batch_id],
        pagination_keys=[jobs.page(1)["pagination_key"]],
        csv_files=["\n".join([header, *rows]) for rows in (known, new, [known[0], new[0]])],
    )
