# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""GET /: Check that the server is up."""

from ...client import AuthenticatedClient, Client
from ...models.error_detail import ErrorDetail
from ...models.health_check_response import HealthCheckResponse
from ...operation import Json, Operation, Request, Text
from ...types import Response

OPERATION: Operation[HealthCheckResponse] = Operation(
    operation_id="get_health_check",
    method="GET",
    path="/",
    safe=True,
    secured=False,
    roles=(),
    parameters={},
    body=None,
    responses={
        "200": {
            "application/json": Json(HealthCheckResponse),
        },
        "500": {
            "application/json": Json(ErrorDetail),
            "text/plain": Text(),
        },
    },
)


def request() -> Request[HealthCheckResponse]:
    """Check that the server is up

    GET /

    Answers with a short message when the server is running. It looks at nothing else: the
    graph store and the registry may still be out of reach.

    Role: none. No token is needed.

    Returns:
        The request, not yet sent.
    """
    return Request(
        OPERATION,
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
) -> Response[HealthCheckResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request()
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(
    *,
    client: AuthenticatedClient | Client,
) -> HealthCheckResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request()
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
) -> Response[HealthCheckResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request()
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
) -> HealthCheckResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request()
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
