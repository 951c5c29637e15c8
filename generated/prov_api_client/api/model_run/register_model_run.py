# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""POST /model_run/register: Register a model run."""

from ...client import AuthenticatedClient
from ...models.error_detail import ErrorDetail
from ...models.http_validation_error import HTTPValidationError
from ...models.model_run_record import ModelRunRecord
from ...models.register_model_run_response import RegisterModelRunResponse
from ...operation import Json, Operation, Request, Text
from ...types import ModelLike, Response

OPERATION: Operation[RegisterModelRunResponse] = Operation(
    operation_id="register_model_run",
    method="POST",
    path="/model_run/register",
    safe=False,
    secured=True,
    roles=("entity-registry-read", "entity-registry-write"),
    parameters={},
    body=ModelRunRecord,
    responses={
        "200": {
            "application/json": Json(RegisterModelRunResponse),
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


def request(*, body: ModelRunRecord | ModelLike) -> Request[RegisterModelRunResponse]:
    """Register a model run

    POST /model_run/register

    Checks the record, starts a job that registers it, and answers with the job's session id.
    The handle of the new model run is part of the job's result. Every id in the record must
    exist, and the record must fulfil its workflow template.

    Sending the same record twice registers two model runs.

    Roles: `entity-registry-read` and `entity-registry-write`.

    Args:
        body: The model run.

    Returns:
        The request, not yet sent.
    """
    return Request(
        OPERATION,
        body=body,
    )


def sync_detailed(
    *, client: AuthenticatedClient, body: ModelRunRecord | ModelLike
) -> Response[RegisterModelRunResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(
    *, client: AuthenticatedClient, body: ModelRunRecord | ModelLike
) -> RegisterModelRunResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *, client: AuthenticatedClient, body: ModelRunRecord | ModelLike
) -> Response[RegisterModelRunResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(
    *, client: AuthenticatedClient, body: ModelRunRecord | ModelLike
) -> RegisterModelRunResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
