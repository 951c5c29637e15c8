# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""GET /bulk/regenerate_from_batch/csv: Make a CSV file of a registered batch."""

from ...client import AuthenticatedClient
from ...models.error_detail import ErrorDetail
from ...models.http_validation_error import HTTPValidationError
from ...operation import Json, Operation, Request, Text
from ...types import Response

OPERATION: Operation[str] = Operation(
    operation_id="regenerate_csv_from_model_run_batch",
    method="GET",
    path="/bulk/regenerate_from_batch/csv",
    safe=True,
    secured=True,
    roles=("entity-registry-read",),
    parameters={
        "batch_id": str,
    },
    body=None,
    responses={
        "200": {
            "text/csv": Text(),
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


def request(*, batch_id: str) -> Request[str]:
    """Make a CSV file of a registered batch

    GET /bulk/regenerate_from_batch/csv

    Answers with a CSV file in the columns of `generate_csv_template`, with a row for each job
    of the batch. The last four columns say what became of the job; `_error_info` is filled in
    for failed jobs only. All jobs of the batch must share one workflow template.

    Role: `entity-registry-read`.

    Args:
        batch_id: Id of the batch, from the result of the job that registered it.

    Returns:
        The request, not yet sent.
    """
    return Request(
        OPERATION,
        query={
            "batch_id": batch_id,
        },
    )


def sync_detailed(*, client: AuthenticatedClient, batch_id: str) -> Response[str]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(batch_id=batch_id)
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(*, client: AuthenticatedClient, batch_id: str) -> str:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(batch_id=batch_id)
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(*, client: AuthenticatedClient, batch_id: str) -> Response[str]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(batch_id=batch_id)
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(*, client: AuthenticatedClient, batch_id: str) -> str:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(batch_id=batch_id)
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
