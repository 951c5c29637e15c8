# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""DELETE /graph/admin/clear: Delete the whole lineage graph."""

from ...client import AuthenticatedClient
from ...models.error_detail import ErrorDetail
from ...models.status_response import StatusResponse
from ...operation import Json, Operation, Request, Text
from ...types import Response

OPERATION: Operation[StatusResponse] = Operation(
    operation_id="clear_graph",
    method="DELETE",
    path="/graph/admin/clear",
    safe=False,
    secured=True,
    roles=("entity-registry-read", "entity-registry-write", "entity-registry-admin"),
    parameters={},
    body=None,
    responses={
        "200": {
            "application/json": Json(StatusResponse),
        },
        "401": {
            "application/json": Json(ErrorDetail),
        },
        "500": {
            "application/json": Json(ErrorDetail),
            "text/plain": Text(),
        },
    },
)


def request() -> Request[StatusResponse]:
    """Delete the whole lineage graph

    DELETE /graph/admin/clear

    Deletes every node and every link of the graph store. There is no way back but storing the
    registry's model runs again (`store_all_registry_records`).

    Roles: `entity-registry-read`, `entity-registry-write` and `entity-registry-admin`.

    Returns:
        The request, not yet sent.
    """
    return Request(
        OPERATION,
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
) -> Response[StatusResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request()
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(
    *,
    client: AuthenticatedClient,
) -> StatusResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request()
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
) -> Response[StatusResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request()
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(
    *,
    client: AuthenticatedClient,
) -> StatusResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request()
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
