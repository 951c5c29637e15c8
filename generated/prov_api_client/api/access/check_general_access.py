# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""GET /check-access/check-general-access: Check that the token is valid."""

from ...client import AuthenticatedClient
from ...models.error_detail import ErrorDetail
from ...models.user import User
from ...operation import Json, Operation, Request, Text
from ...types import Response

OPERATION: Operation[User] = Operation(
    operation_id="check_general_access",
    method="GET",
    path="/check-access/check-general-access",
    safe=True,
    secured=True,
    roles=(),
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
    """Check that the token is valid

    GET /check-access/check-general-access

    Answers with the caller as the server sees them. The answer repeats the caller's token:
    treat it as a secret.

    Role: any valid token.

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
