# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""POST /bulk/convert_model_runs/csv: Turn a filled-in CSV file into model run records."""

from ...client import AuthenticatedClient
from ...models.body_convert_model_runs_csv import BodyConvertModelRunsCsv
from ...models.convert_model_runs_response import ConvertModelRunsResponse
from ...models.error_detail import ErrorDetail
from ...models.http_validation_error import HTTPValidationError
from ...operation import Json, Operation, Request, Text
from ...types import Response

OPERATION: Operation[ConvertModelRunsResponse] = Operation(
    operation_id="convert_model_runs_to_csv",
    method="POST",
    path="/bulk/convert_model_runs/csv",
    safe=True,
    secured=True,
    roles=("entity-registry-read",),
    parameters={},
    body=BodyConvertModelRunsCsv,
    responses={
        "200": {
            "application/json": Json(ConvertModelRunsResponse),
        },
        "400": {
            "application/json": Json(ErrorDetail),
        },
        "401": {
            "application/json": Json(ErrorDetail),
        },
        "422": {
            "application/json": Json(HTTPValidationError),
        },
        "500": {
            "application/json": Json(ErrorDetail),
            "text/plain": Text(),
        },
    },
)


def request(*, body: BodyConvertModelRunsCsv) -> Request[ConvertModelRunsResponse]:
    """Turn a filled-in CSV file into model run records

    POST /bulk/convert_model_runs/csv

    Reads a CSV file that was made with `generate_csv_template` and filled in, and answers
    with a record for each row. Nothing is registered: send the records to
    `register_batch_model_runs` for that.

    The id in the first column's header chooses the workflow template. Cells are stripped.
    Unknown columns are ignored with a warning each. A row whose `_job_id` names an existing
    job is listed in `existing_records` and gives no new record. Times are ISO 8601 with `-`
    or `/` between the parts of the date and with a UTC offset.

    Role: `entity-registry-read`.

    Args:
        body: The CSV file, in UTF-8. The part must have a file name.

    Returns:
        The request, not yet sent.
    """
    return Request(
        OPERATION,
        files=body.to_multipart(),
    )


def sync_detailed(
    *, client: AuthenticatedClient, body: BodyConvertModelRunsCsv
) -> Response[ConvertModelRunsResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(*, client: AuthenticatedClient, body: BodyConvertModelRunsCsv) -> ConvertModelRunsResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *, client: AuthenticatedClient, body: BodyConvertModelRunsCsv
) -> Response[ConvertModelRunsResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(
    *, client: AuthenticatedClient, body: BodyConvertModelRunsCsv
) -> ConvertModelRunsResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
