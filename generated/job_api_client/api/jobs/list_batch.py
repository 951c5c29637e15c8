# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""POST /jobs/user/list_batch: List the jobs of a batch."""

from prov_api_client.client import AuthenticatedClient
from prov_api_client.operation import Json, Operation, Request, Text
from prov_api_client.types import ModelLike, Response

from ...models.error_detail import ErrorDetail
from ...models.http_validation_error import HTTPValidationError
from ...models.list_by_batch_request import ListByBatchRequest
from ...models.list_by_batch_response import ListByBatchResponse

OPERATION: Operation[ListByBatchResponse] = Operation(
    operation_id="list_batch",
    method="POST",
    path="/jobs/user/list_batch",
    safe=True,
    secured=True,
    roles=(),
    parameters={},
    body=ListByBatchRequest,
    responses={
        "200": {
            "application/json": Json(ListByBatchResponse),
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


def request(*, body: ListByBatchRequest | ModelLike) -> Request[ListByBatchResponse]:
    """List the jobs of a batch

    POST /jobs/user/list_batch

    Answers with a page of the jobs of a batch, one for each record, the newest first. The
    `batch_id` is part of the result of the job that submitted the batch; jobs may still be
    joining the batch when that job has succeeded.

    A `pagination_key` in the answer says that more may follow. It is opaque and is handed
    back as it came. `null` ends the list.

    Role: any valid token.

    Args:
        body: Which batch, and which page of it.

    Returns:
        The request, not yet sent.
    """
    return Request(
        OPERATION,
        body=body,
    )


def sync_detailed(
    *, client: AuthenticatedClient, body: ListByBatchRequest | ModelLike
) -> Response[ListByBatchResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(
    *, client: AuthenticatedClient, body: ListByBatchRequest | ModelLike
) -> ListByBatchResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *, client: AuthenticatedClient, body: ListByBatchRequest | ModelLike
) -> Response[ListByBatchResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(
    *, client: AuthenticatedClient, body: ListByBatchRequest | ModelLike
) -> ListByBatchResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
