# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""POST /model_run/register_batch: Register several model runs."""

from ...client import AuthenticatedClient
from ...models.error_detail import ErrorDetail
from ...models.http_validation_error import HTTPValidationError
from ...models.register_batch_model_run_request import RegisterBatchModelRunRequest
from ...models.register_batch_model_run_response import RegisterBatchModelRunResponse
from ...operation import Json, Operation, Request, Text
from ...types import ModelLike, Response

OPERATION: Operation[RegisterBatchModelRunResponse] = Operation(
    operation_id="register_batch_model_runs",
    method="POST",
    path="/model_run/register_batch",
    safe=False,
    secured=True,
    roles=("entity-registry-read", "entity-registry-write"),
    parameters={},
    body=RegisterBatchModelRunRequest,
    responses={
        "200": {
            "application/json": Json(RegisterBatchModelRunResponse),
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


def request(
    *, body: RegisterBatchModelRunRequest | ModelLike
) -> Request[RegisterBatchModelRunResponse]:
    """Register several model runs

    POST /model_run/register_batch

    Starts one job that registers each of the records, and answers with that job's session id.
    The job's result names a `batch_id`, under which the jobs of the single records are listed
    and from which a CSV file can be made (`regenerate_csv_from_model_run_batch`).

    Sending the same batch twice registers every model run twice.

    Roles: `entity-registry-read` and `entity-registry-write`.

    Args:
        body: The model runs.

    Returns:
        The request, not yet sent.
    """
    return Request(
        OPERATION,
        body=body,
    )


def sync_detailed(
    *, client: AuthenticatedClient, body: RegisterBatchModelRunRequest | ModelLike
) -> Response[RegisterBatchModelRunResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(
    *, client: AuthenticatedClient, body: RegisterBatchModelRunRequest | ModelLike
) -> RegisterBatchModelRunResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *, client: AuthenticatedClient, body: RegisterBatchModelRunRequest | ModelLike
) -> Response[RegisterBatchModelRunResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(
    *, client: AuthenticatedClient, body: RegisterBatchModelRunRequest | ModelLike
) -> RegisterBatchModelRunResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
