# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""POST /admin/store_records: Store several registered model runs again."""

from collections.abc import Iterable

from ...client import AuthenticatedClient
from ...models.error_detail import ErrorDetail
from ...models.http_validation_error import HTTPValidationError
from ...models.item_model_run import ItemModelRun
from ...models.status_response import StatusResponse
from ...operation import Json, Operation, Request, Text
from ...types import ModelLike, Response

OPERATION: Operation[StatusResponse] = Operation(
    operation_id="store_multiple_records",
    method="POST",
    path="/admin/store_records",
    safe=False,
    secured=True,
    roles=("entity-registry-read", "entity-registry-write", "entity-registry-admin"),
    parameters={
        "validate_record": bool,
    },
    body=list[ItemModelRun],
    responses={
        "200": {
            "application/json": Json(StatusResponse),
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
    *, body: Iterable[ItemModelRun | ModelLike], validate_record: bool = True
) -> Request[StatusResponse]:
    """Store several registered model runs again

    POST /admin/store_records

    Does what `store_record` does for each model run of a list.

    Roles: `entity-registry-read`, `entity-registry-write` and `entity-registry-admin`.

    Args:
        body: The model runs as the registry holds them.
        validate_record: Check first that every id in a record exists.

    Returns:
        The request, not yet sent.
    """
    return Request(
        OPERATION,
        query={
            "validate_record": validate_record,
        },
        body=body,
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: Iterable[ItemModelRun | ModelLike],
    validate_record: bool = True,
) -> Response[StatusResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body, validate_record=validate_record)
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(
    *,
    client: AuthenticatedClient,
    body: Iterable[ItemModelRun | ModelLike],
    validate_record: bool = True,
) -> StatusResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body, validate_record=validate_record)
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: Iterable[ItemModelRun | ModelLike],
    validate_record: bool = True,
) -> Response[StatusResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body, validate_record=validate_record)
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: Iterable[ItemModelRun | ModelLike],
    validate_record: bool = True,
) -> StatusResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body, validate_record=validate_record)
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
