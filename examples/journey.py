"""A model run's whole journey, against a sandbox: from a CSV template to a deletion on trial.

Against a deployment, only where ``client`` comes from differs:

    ProvClient(BearerToken(...), Config("provena.example.org", "provena"))
"""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import docx
import httpx

from prov_facade import (
    GenerateReportRequest,
    InvalidRequestError,
    ItemSubType,
    LineageResponse,
    PermissionDeniedError,
    ProvClient,
    RegisterBatchModelRunRequest,
)
from prov_facade.sandbox import JobDelays, Sandbox

# All of these are in the small study of reefs that a sandbox holds from the start.
WORKFLOW_TEMPLATE = "10378.1/1955017"
CENSUS = "10378.1/1955021"
CELLS = {
    "description": "Coral cover in the hindcast ocean.",
    "agent id": "10378.1/1955003",
    "study id": "10378.1/1955006",
    "execution start time": "2026-01-12 09:00:00+10:00",
    "execution end time": "2026-01-12 15:30:00+10:00",
    "Input dataset id for template: State of the ocean": "10378.1/1955023",
    "Input resource: state_file": "north/2019-2020.nc",
    "Input dataset id for template: State of the reefs": CENSUS,
    "Input resource: cover_file": "north/2019.csv",
    "Output dataset id for template: State of the reefs": "10378.1/1955026",
    "Output resource: cover_file": "north/2020.csv",
    "annotation: region": "north",
}
ROWS = [{**CELLS, "display name": f"Reefs to 2020, north, again ({n} of 2)"} for n in (1, 2)]


def show(what: str, *outcome: object) -> None:
    print(f"\n{what}")
    for line in outcome:
        print(f"    {line}")


def filled_in(template: str, rows: list[dict[str, str]]) -> str:
    """Fill in a CSV template. A cell goes where the header begins with its name."""
    (header,) = csv.reader(io.StringIO(template))
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(header)
    for row in rows:
        cells = [[row[key] for key in row if column.startswith(key)] for column in header]
        writer.writerow(found[0] if found else "" for found in cells)
    return table.getvalue()


def links_of(lineage: LineageResponse) -> list[str]:
    """Count the links of a lineage graph by their relation."""
    count = Counter(link["type"] for link in (lineage.graph or {})["links"])
    return [f"{number} x {relation}" for relation, number in sorted(count.items())]


async def followed(jobs: httpx.AsyncClient, session_id: str | None) -> dict[str, Any]:
    """Ask the job-api for a job until it has ended, showing how it goes."""
    seen: list[str] = []
    while not seen or seen[-1] not in ("SUCCEEDED", "FAILED"):
        answer = await jobs.get("/jobs/user/fetch", params={"session_id": session_id})
        # For its first moments, a job is not known.
        status = "not found yet" if answer.status_code == 400 else answer.json()["job"]["status"]
        if status not in seen:
            seen.append(status)
        await asyncio.sleep(0.02)
    job: dict[str, Any] = answer.raise_for_status().json()["job"]
    show(f"Job {session_id}, {job['job_sub_type']}", " -> ".join(seen))
    if job["status"] == "FAILED":
        raise RuntimeError(job["info"])
    return job


async def register(client: ProvClient, jobs: httpx.AsyncClient) -> str:
    """Register model runs by way of a CSV file. Returns the id of one of them."""
    template = await client.generate_csv_template(WORKFLOW_TEMPLATE)
    header = next(csv.reader([template]))
    show(f"A CSV template to fill in: {len(header)} columns", *header[:3], "...")

    converted = await client.convert_model_runs_to_csv(filled_in(template, ROWS))
    records = converted.new_records or []
    show("The CSV file, filled in, becomes records", *(record.display_name for record in records))

    batch = await client.register_batch_model_runs(RegisterBatchModelRunRequest(records=records))
    show("They are registered, in one batch", batch.status.details)
    batch_id = (await followed(jobs, batch.session_id))["result"]["batch_id"]
    listed: list[Any] = []
    while len(listed) < len(records):
        answer = await jobs.post("/jobs/user/list_batch", json={"batch_id": batch_id})
        listed = answer.raise_for_status().json()["jobs"]
    for job in listed:
        result = (await followed(jobs, job["session_id"]))["result"]
        run_id: str = result["record"]["id"]
        show("Registered", f"{run_id} {result['record']['record']['display_name']}")
    return run_id


async def explore(client: ProvClient, run_id: str) -> None:
    up = await client.explore_upstream(run_id, depth=3)
    show(f"Upstream of {run_id}: {up.record_count} items, linked by", *links_of(up))
    down = await client.explore_downstream(CENSUS, depth=1)
    show(f"Downstream of the census {CENSUS}: {down.record_count} items", *links_of(down))


async def report(client: ProvClient, run_id: str, folder: Path) -> None:
    request = GenerateReportRequest(id=run_id, item_subtype=ItemSubType.MODEL_RUN, depth=2)
    path = folder / "report.docx"
    path.write_bytes(await client.generate_report(request))
    opened = docx.Document(str(path))
    lines = [line.text for line in opened.paragraphs if line.text]
    show(f"A report of {path.stat().st_size} bytes, opened again", *lines[:6], "...")


async def change(client: ProvClient, jobs: httpx.AsyncClient, run_id: str) -> None:
    converted = await client.convert_model_runs_to_csv(
        filled_in(await client.generate_csv_template(WORKFLOW_TEMPLATE), ROWS[:1])
    )
    (record,) = converted.new_records or []
    record.display_name = "Reefs to 2020, north, third attempt"
    answer = await client.post_update_model_run(run_id, "A better name", record)
    result = (await followed(jobs, answer.session_id))["result"]
    show("Updated", f"{run_id} {result['record']['record']['display_name']}")


async def delete_on_trial(admin: ProvClient, run_id: str) -> None:
    trial = await admin.admin.delete_model_run_provenance(run_id, trial_mode=True)
    actions = Counter(action["action_type"] for action in trial.diff)
    show("Deleting it would", *(f"{number} x {action}" for action, number in actions.items()))
    still = await admin.explore_upstream(run_id, depth=1)
    show("On trial, nothing is deleted", f"{run_id} still has {still.record_count} items upstream")


async def mishaps(client: ProvClient, run_id: str) -> None:
    try:
        await client.explore_upstream(run_id, depth=11)
    except InvalidRequestError as error:
        show("A mistake is found before anything is sent", error)
    try:
        await client.admin.generate_config_file()
    except PermissionDeniedError as error:
        show("What the server refuses is an error that says what to do", error)


async def main(sandbox: Sandbox, folder: Path) -> None:
    headers = {"Authorization": f"Bearer {sandbox.token('read')}"}
    async with (
        ProvClient(sandbox.auth("read", "write"), sandbox.config) as client,
        httpx.AsyncClient(base_url=sandbox.config.job_api_endpoint, headers=headers) as jobs,
    ):
        show("Is the prov-api up?", (await client.get_health_check()).message)
        user = await client.check_write_access()
        show("Who am I, and may I write? (the token stays out of sight)", user)
        run_id = await register(client, jobs)
        await explore(client, run_id)
        await report(client, run_id, folder)
        await change(client, jobs, run_id)
        async with ProvClient(sandbox.auth("read", "write", "admin"), sandbox.config) as admin:
            await delete_on_trial(admin, run_id)
        await mishaps(client, run_id)


if __name__ == "__main__":
    delays = JobDelays(hidden=0.1, pending=0.2, dequeued=0.1, in_progress=0.2)
    with Sandbox(delays=delays) as sandbox, tempfile.TemporaryDirectory() as folder:
        print(f"A sandbox listens at {sandbox.url}")
        asyncio.run(main(sandbox, Path(folder)))
        print(f"\n{len(sandbox.requests)} requests were sent.")
