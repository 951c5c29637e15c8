"""The main job, from end to end: check, register, explore, convert, report, administer.

The server is the mock that the tests use. It answers with the examples of the OpenAPI document and
checks every request against it. Against a deployment, only the first lines of ``main`` differ:

    auth = BearerToken(...)
    config = Config("provena.example.org", "provena")
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from pathlib import Path

from contract_server import ContractServer

from prov_facade import (
    AssociationInfo,
    DatasetType,
    GenerateReportRequest,
    InvalidRequestError,
    ItemSubType,
    ModelRunRecord,
    PermissionDeniedError,
    ProvClient,
    TemplatedDataset,
)

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

RUN = ModelRunRecord(
    workflow_template_id="10378.1/1769847",
    display_name="Reef temperature, January",
    description="Sea surface temperature over the northern reef",
    inputs=[
        TemplatedDataset(
            dataset_template_id="10378.1/1905251",
            dataset_id="10378.1/1955003",
            dataset_type=DatasetType.DATA_STORE,
        )
    ],
    outputs=[],
    associations=AssociationInfo(modeller_id="10378.1/1955001"),
    start_time=1_767_225_600,  # Unix seconds
    end_time=1_767_229_200,
)


def show(what: str, outcome: object) -> None:
    print(f"\n{what}\n    {outcome}")


async def tour(client: ProvClient, folder: Path) -> None:
    health = await client.get_health_check()
    show("Is the prov-api up?", health.message)

    user = await client.check_write_access()
    show("Who am I? (the token stays out of sight)", user)

    registered = await client.register_model_run(RUN)
    show("Register a model run: the job that lodges it", registered.session_id)

    lineage = await client.explore_upstream("10378.1/1955123", depth=3)
    links = (lineage.graph or {})["links"]
    show(
        f"Explore upstream: {lineage.record_count} nodes, linked by",
        "\n    ".join(f"{link['source']} {link['type']} {link['target']}" for link in links),
    )

    template = await client.generate_csv_template("10378.1/1769847")
    show("A CSV template to fill in, its header row", template.strip())

    converted = await client.convert_model_runs_to_csv(template)
    names = [record.display_name for record in converted.new_records or []]
    show("A filled-in CSV file becomes records", names)
    for warning in converted.warnings or []:
        print(f"    warning: {warning}")

    request = GenerateReportRequest(
        id="10378.1/1955123", item_subtype=ItemSubType.MODEL_RUN, depth=2
    )
    report = folder / "report.docx"
    report.write_bytes(await client.generate_report(request))
    show("A report, as bytes, saved", f"{report.name}: {report.stat().st_size} bytes")

    settings = await client.admin.generate_config_file()
    show("How the server is configured", settings.strip().replace("\n", "\n    "))


async def mishaps(client: ProvClient, server: ContractServer) -> None:
    try:
        await client.explore_upstream("10378.1/1955123", depth=11)
    except InvalidRequestError as error:
        show("A mistake is found before anything is sent", error)

    server.answer("generate_config_file", 401, example="missing_role")
    try:
        await client.admin.generate_config_file()
    except PermissionDeniedError as error:
        show("What the server refuses is an error that says what to do", error)


async def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # the mock server's request lines
    with ContractServer() as server, tempfile.TemporaryDirectory() as folder:
        server.answer("generate_report", media_type=DOCX)
        print(f"A mock prov-api listens at {server.url}")
        async with ProvClient(server.auth, server.config) as client:
            await tour(client, Path(folder))
            await mishaps(client, server)
        server.check()
        print(f"\n{len(server.received)} requests were sent; all conform to the OpenAPI document.")


if __name__ == "__main__":
    asyncio.run(main())
