# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""POST /model_run/update: Replace the record of a model run."""

from ...client import AuthenticatedClient
from ...models.error_detail import ErrorDetail
from ...models.http_validation_error import HTTPValidationError
from ...models.post_update_model_run_input import PostUpdateModelRunInput
from ...models.post_update_model_run_response import PostUpdateModelRunResponse
from ...operation import Json, Operation, Request, Text
from ...types import ModelLike, Response

OPERATION: Operation[PostUpdateModelRunResponse] = Operation(
    operation_id="post_update_model_run",
    method="POST",
    path="/model_run/update",
    safe=False,
    secured=True,
    roles=("entity-registry-read", "entity-registry-write"),
    parameters={},
    body=PostUpdateModelRunInput,
    responses={
        "200": {
            "application/json": Json(PostUpdateModelRunResponse),
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


def request(*, body: PostUpdateModelRunInput | ModelLike) -> Request[PostUpdateModelRunResponse]:
    """Replace the record of a model run

    POST /model_run/update

    Replaces the whole record of a registered model run and brings the lineage graph in line
    with it. The change is made by a job; the answer holds the job's session id. The reason is
    kept in the history of the item.

    Roles: `entity-registry-read` and `entity-registry-write`.

    Args:
        body: The model run's id, its new record, and the reason for the change.

    Returns:
        The request, not yet sent.
    """
    return Request(
        OPERATION,
        body=body,
    )


def sync_detailed(
    *, client: AuthenticatedClient, body: PostUpdateModelRunInput | ModelLike
) -> Response[PostUpdateModelRunResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(
    *, client: AuthenticatedClient, body: PostUpdateModelRunInput | ModelLike
) -> PostUpdateModelRunResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *, client: AuthenticatedClient, body: PostUpdateModelRunInput | ModelLike
) -> Response[PostUpdateModelRunResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(
    *, client: AuthenticatedClient, body: PostUpdateModelRunInput | ModelLike
) -> PostUpdateModelRunResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
