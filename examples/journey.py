"""Follows a model run through a sandbox, from a CSV template to a trial deletion.

With a deployment, only the construction of the client differs:

    ProvClient(BearerToken(...), Config("provena.example.org", "provena"))
"""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
from collections import Counter
from pathlib import Path

import docx

from prov_facade import (
    BulkProgress,
    GenerateReportRequest,
    InvalidRequestError,
    ItemSubType,
    LineageResponse,
    PermissionDeniedError,
    PollPolicy,
    ProvClient,
)
from prov_facade.sandbox import JobDelays, Sandbox

# These ids are in the default seed of the sandbox, a small study of reefs.
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
    # Optional in the workflow template, but not in a CSV file.
    "Input dataset id for template: Counts of crown-of-thorns starfish": "10378.1/1955022",
    "Output dataset id for template: State of the reefs": "10378.1/1955026",
    "Output resource: cover_file": "north/2020.csv",
    "annotation: region": "north",
}
ROWS = [{**CELLS, "display name": f"Reefs to 2020, north, again ({n} of 2)"} for n in (1, 2)]


def show(title: str, *lines: object) -> None:
    print(f"\n{title}")
    for line in lines:
        print(f"    {line}")


def filled_in(template: str, rows: list[dict[str, str]]) -> str:
    """Fill in a CSV template. The key of a cell is the beginning of its header."""
    (header,) = csv.reader(io.StringIO(template))
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(header)
    for row in rows:
        cells = [[row[key] for key in row if column.startswith(key)] for column in header]
        writer.writerow(found[0] if found else "" for found in cells)
    return table.getvalue()


def links_of(lineage: LineageResponse) -> list[str]:
    """Count the links of a lineage graph by relation."""
    count = Counter(link["type"] for link in (lineage.graph or {}).get("links", []))
    return [f"{number} x {relation}" for relation, number in sorted(count.items())]


async def register(client: ProvClient, folder: Path) -> str:
    """Register model runs with a CSV file, and return the id of one of them."""
    template = await client.generate_csv_template(WORKFLOW_TEMPLATE)
    header = next(csv.reader([template]))
    show(f"A CSV template to fill in: {len(header)} columns", *header[:3], "...")

    path = folder / "runs.csv"
    path.write_text(filled_in(template, ROWS), encoding="utf-8", newline="")
    progress: list[BulkProgress] = []
    done = await client.register_csv(path, on_progress=progress.append)
    show("Filled in and registered in one batch, with progress", *dict.fromkeys(progress))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = ("display name", "_job_status", "_model_run_record_id")
    show("The file now contains the results", *("  ".join(row[c] for c in columns) for row in rows))
    handle = done.results[0].handle
    assert handle is not None
    return handle


async def explore(client: ProvClient, run_id: str) -> None:
    up = await client.explore_upstream(run_id, depth=3)
    show(f"Upstream of {run_id}: {up.record_count} items, linked by", *links_of(up))
    down = await client.explore_downstream(CENSUS, depth=1)
    show(f"Downstream of the census {CENSUS}: {down.record_count} items", *links_of(down))


async def report(client: ProvClient, run_id: str, folder: Path) -> None:
    request = GenerateReportRequest(id=run_id, item_subtype=ItemSubType.MODEL_RUN, depth=2)
    path = await client.download_report(request, folder)
    opened = docx.Document(str(path))
    lines = [line.text for line in opened.paragraphs if line.text]
    show(f"A report of {path.stat().st_size} bytes", *lines[:6], "...")


async def change(client: ProvClient, run_id: str) -> None:
    converted = await client.convert_model_runs_to_csv(
        filled_in(await client.generate_csv_template(WORKFLOW_TEMPLATE), ROWS[:1])
    )
    (record,) = converted.new_records or []
    record.display_name = "Reefs to 2020, north, third attempt"
    seen: list[str] = []
    updated = await client.update_and_wait(
        run_id, "A better name", record, on_change=lambda job: seen.append(job.status)
    )
    show("Updated", " -> ".join(seen), f"{updated.handle} {updated.record.display_name}")


async def try_deletion(admin: ProvClient, run_id: str) -> None:
    trial = await admin.admin.delete_model_run_provenance(run_id, trial_mode=True)
    actions = Counter(action["action_type"] for action in trial.diff)
    changes = [f"{number} x {action}" for action, number in actions.items()]
    show("Deleting it would make these changes", *changes)
    still = await admin.explore_upstream(run_id, depth=1)
    show("A trial deletes nothing", f"{run_id} still has {still.record_count} items upstream")


async def errors(client: ProvClient, run_id: str) -> None:
    try:
        await client.explore_upstream(run_id, depth=0)
    except InvalidRequestError as error:
        show("Invalid arguments are found before a request is sent", error)
    try:
        await client.admin.generate_config_file()
    except PermissionDeniedError as error:
        show("The error of a rejected request says what to do", error)


async def main(sandbox: Sandbox, folder: Path) -> None:
    polling = PollPolicy(interval=0.05)
    async with ProvClient(sandbox.auth("read", "write"), sandbox.config, polling=polling) as client:
        show("Is the prov-api up?", (await client.get_health_check()).message)
        user = await client.check_write_access()
        show("Who am I, and can I write? (the token is not shown)", user)
        run_id = await register(client, folder)
        await explore(client, run_id)
        await report(client, run_id, folder)
        await change(client, run_id)
        async with ProvClient(sandbox.auth("read", "write", "admin"), sandbox.config) as admin:
            await try_deletion(admin, run_id)
        await errors(client, run_id)


if __name__ == "__main__":
    delays = JobDelays(hidden=0.1, pending=0.2, dequeued=0.1, in_progress=0.2)
    with (
        Sandbox(delays=delays) as sandbox,
        tempfile.TemporaryDirectory() as folder,
    ):
        print(f"The sandbox listens at {sandbox.url}")
        asyncio.run(main(sandbox, Path(folder)))
        print(f"\n{len(sandbox.requests)} requests were sent.")
