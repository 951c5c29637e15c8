# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""GET /admin/sentry-debug: Raise an error on purpose."""

from ...client import AuthenticatedClient
from ...models.error_detail import ErrorDetail
from ...operation import Json, Operation, Request, Text
from ...types import Response

OPERATION: Operation[dict[str, str] | None] = Operation(
    operation_id="trigger_sentry_debug",
    method="GET",
    path="/admin/sentry-debug",
    safe=True,
    secured=True,
    roles=("entity-registry-read", "entity-registry-write", "entity-registry-admin"),
    parameters={},
    body=None,
    responses={
        "200": {
            "application/json": Json(dict[str, str] | None),
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


def request() -> Request[dict[str, str] | None]:
    """Raise an error on purpose

    GET /admin/sentry-debug

    Tries out the reporting of errors. When monitoring is on, the server raises an error and
    answers 500: that is the expected answer. When it is off, the server answers 200.

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
) -> Response[dict[str, str] | None]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request()
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(
    *,
    client: AuthenticatedClient,
) -> dict[str, str] | None:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request()
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
) -> Response[dict[str, str] | None]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request()
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(
    *,
    client: AuthenticatedClient,
) -> dict[str, str] | None:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request()
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
