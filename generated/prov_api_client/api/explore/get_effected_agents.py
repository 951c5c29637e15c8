# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""GET /explore/special/effected_agents: Find the people and organisations that an item touches."""

from typing import Annotated

from msgspec import Meta

from ...client import AuthenticatedClient
from ...models.error_detail import ErrorDetail
from ...models.http_validation_error import HTTPValidationError
from ...models.lineage_response import LineageResponse
from ...operation import Json, Operation, Request, Text
from ...types import Response

OPERATION: Operation[LineageResponse] = Operation(
    operation_id="get_effected_agents",
    method="GET",
    path="/explore/special/effected_agents",
    safe=True,
    secured=True,
    roles=("entity-registry-read",),
    parameters={
        "starting_id": str,
        "depth": Annotated[int, Meta(le=10)] | None,
    },
    body=None,
    responses={
        "200": {
            "application/json": Json(LineageResponse),
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


def request(*, starting_id: str, depth: int | None = None) -> Request[LineageResponse]:
    """Find the people and organisations that an item touches

    GET /explore/special/effected_agents

    Walks downstream from `starting_id` and finds the agents, people or organisations, that
    the start or any node on the way points to. The nodes in the middle of a path are part of
    the answer.

    Role: `entity-registry-read`.

    Args:
        starting_id: Handle of the item to start from.
        depth: How many links to follow, 10 at most. Without it the server follows 4. More
            than 10 is answered with 400.

    Returns:
        The request, not yet sent.
    """
    return Request(
        OPERATION,
        query={
            "starting_id": starting_id,
            "depth": depth,
        },
    )


def sync_detailed(
    *, client: AuthenticatedClient, starting_id: str, depth: int | None = None
) -> Response[LineageResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(starting_id=starting_id, depth=depth)
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(
    *, client: AuthenticatedClient, starting_id: str, depth: int | None = None
) -> LineageResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(starting_id=starting_id, depth=depth)
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *, client: AuthenticatedClient, starting_id: str, depth: int | None = None
) -> Response[LineageResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(starting_id=starting_id, depth=depth)
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(
    *, client: AuthenticatedClient, starting_id: str, depth: int | None = None
) -> LineageResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(starting_id=starting_id, depth=depth)
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
