# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""GET /admin/config: Show the server's configuration."""

from ...client import AuthenticatedClient
from ...models.error_detail import ErrorDetail
from ...models.http_validation_error import HTTPValidationError
from ...operation import Json, Operation, Request, Text
from ...types import Response

OPERATION: Operation[str] = Operation(
    operation_id="generate_config_file",
    method="GET",
    path="/admin/config",
    safe=True,
    secured=True,
    roles=("entity-registry-read", "entity-registry-write", "entity-registry-admin"),
    parameters={
        "required_only": bool,
    },
    body=None,
    responses={
        "200": {
            "text/plain": Text(),
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


def request(*, required_only: bool = True) -> Request[str]:
    """Show the server's configuration

    GET /admin/config

    Answers with the server's settings as a text file of `KEY=value` lines, for setting up a
    server like it. The file may hold secrets.

    Roles: `entity-registry-read`, `entity-registry-write` and `entity-registry-admin`.

    Args:
        required_only: List only the settings that must be given, not those that have a
            default.

    Returns:
        The request, not yet sent.
    """
    return Request(
        OPERATION,
        query={
            "required_only": required_only,
        },
    )


def sync_detailed(*, client: AuthenticatedClient, required_only: bool = True) -> Response[str]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(required_only=required_only)
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(*, client: AuthenticatedClient, required_only: bool = True) -> str:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(required_only=required_only)
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *, client: AuthenticatedClient, required_only: bool = True
) -> Response[str]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(required_only=required_only)
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(*, client: AuthenticatedClient, required_only: bool = True) -> str:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(required_only=required_only)
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
