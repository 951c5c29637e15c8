# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""POST /model_run/delete: Take a model run out of the lineage graph."""

from ...client import AuthenticatedClient
from ...models.error_detail import ErrorDetail
from ...models.http_validation_error import HTTPValidationError
from ...models.post_delete_graph_request import PostDeleteGraphRequest
from ...models.post_delete_graph_response import PostDeleteGraphResponse
from ...operation import Json, Operation, Request, Text
from ...types import ModelLike, Response

OPERATION: Operation[PostDeleteGraphResponse] = Operation(
    operation_id="delete_model_run_provenance",
    method="POST",
    path="/model_run/delete",
    safe=False,
    secured=True,
    roles=("entity-registry-read", "entity-registry-write", "entity-registry-admin"),
    parameters={},
    body=PostDeleteGraphRequest,
    responses={
        "200": {
            "application/json": Json(PostDeleteGraphResponse),
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


def request(*, body: PostDeleteGraphRequest | ModelLike) -> Request[PostDeleteGraphResponse]:
    """Take a model run out of the lineage graph

    POST /model_run/delete

    Removes what the model run alone contributed to the lineage graph, and answers with the
    list of changes. With `trial_mode` set, the changes are worked out but not made.

    Roles: `entity-registry-read`, `entity-registry-write` and `entity-registry-admin`.

    Args:
        body: Which model run, and whether to make the changes.

    Returns:
        The request, not yet sent.
    """
    return Request(
        OPERATION,
        body=body,
    )


def sync_detailed(
    *, client: AuthenticatedClient, body: PostDeleteGraphRequest | ModelLike
) -> Response[PostDeleteGraphResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(
    *, client: AuthenticatedClient, body: PostDeleteGraphRequest | ModelLike
) -> PostDeleteGraphResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *, client: AuthenticatedClient, body: PostDeleteGraphRequest | ModelLike
) -> Response[PostDeleteGraphResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(
    *, client: AuthenticatedClient, body: PostDeleteGraphRequest | ModelLike
) -> PostDeleteGraphResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
