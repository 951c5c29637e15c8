# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""GET /check-access/check-admin-access: Check that the caller may administer."""

from ...client import AuthenticatedClient
from ...models.error_detail import ErrorDetail
from ...models.user import User
from ...operation import Json, Operation, Request, Text
from ...types import Response

OPERATION: Operation[User] = Operation(
    operation_id="check_admin_access",
    method="GET",
    path="/check-access/check-admin-access",
    safe=True,
    secured=True,
    roles=("entity-registry-read", "entity-registry-write", "entity-registry-admin"),
    parameters={},
    body=None,
    responses={
        "200": {
            "application/json": Json(User),
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


def request() -> Request[User]:
    """Check that the caller may administer

    GET /check-access/check-admin-access

    Answers with the caller when they may use the administrative operations, and with 401 when
    they may not. The answer repeats the caller's token: treat it as a secret.

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
) -> Response[User]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request()
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(
    *,
    client: AuthenticatedClient,
) -> User:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request()
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
) -> Response[User]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request()
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(
    *,
    client: AuthenticatedClient,
) -> User:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request()
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
