# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""POST /model_run/register_sync: Register a model run and wait for it."""

from ...client import AuthenticatedClient
from ...models.error_detail import ErrorDetail
from ...models.http_validation_error import HTTPValidationError
from ...models.model_run_record import ModelRunRecord
from ...models.sync_register_model_run_response import SyncRegisterModelRunResponse
from ...operation import Json, Operation, Request, Text
from ...types import ModelLike, Response

OPERATION: Operation[SyncRegisterModelRunResponse] = Operation(
    operation_id="register_model_run_sync",
    method="POST",
    path="/model_run/register_sync",
    safe=False,
    secured=True,
    roles=("entity-registry-read", "entity-registry-write", "entity-registry-admin"),
    parameters={},
    body=ModelRunRecord,
    responses={
        "200": {
            "application/json": Json(SyncRegisterModelRunResponse),
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


def request(*, body: ModelRunRecord | ModelLike) -> Request[SyncRegisterModelRunResponse]:
    """Register a model run and wait for it

    POST /model_run/register_sync

    Registers the record within the request, without a job, and answers with the registered
    record and its PROV document. A gateway may cut the request off after 30 seconds while the
    registration goes on. Sending the same record twice registers two model runs.

    Roles: `entity-registry-read`, `entity-registry-write` and `entity-registry-admin`.

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
) -> Response[SyncRegisterModelRunResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(
    *, client: AuthenticatedClient, body: ModelRunRecord | ModelLike
) -> SyncRegisterModelRunResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *, client: AuthenticatedClient, body: ModelRunRecord | ModelLike
) -> Response[SyncRegisterModelRunResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(
    *, client: AuthenticatedClient, body: ModelRunRecord | ModelLike
) -> SyncRegisterModelRunResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
