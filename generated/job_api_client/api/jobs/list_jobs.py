# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""POST /jobs/user/list: List the caller's jobs."""

from prov_api_client.client import AuthenticatedClient
from prov_api_client.operation import Json, Operation, Request, Text
from prov_api_client.types import ModelLike, Response

from ...models.error_detail import ErrorDetail
from ...models.http_validation_error import HTTPValidationError
from ...models.list_jobs_request import ListJobsRequest
from ...models.list_jobs_response import ListJobsResponse

OPERATION: Operation[ListJobsResponse] = Operation(
    operation_id="list_jobs",
    method="POST",
    path="/jobs/user/list",
    safe=True,
    secured=True,
    roles=(),
    parameters={},
    body=ListJobsRequest,
    responses={
        "200": {
            "application/json": Json(ListJobsResponse),
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


def request(*, body: ListJobsRequest | ModelLike) -> Request[ListJobsResponse]:
    """List the caller's jobs

    POST /jobs/user/list

    Answers with a page of the jobs that the caller had started, the newest first. Every field
    of the request may be left out, but the body may not: send `{}` for the first page.

    A `pagination_key` in the answer says that more may follow. It is opaque and is handed
    back as it came. `null` ends the list.

    Role: any valid token.

    Args:
        body: Which page.

    Returns:
        The request, not yet sent.
    """
    return Request(
        OPERATION,
        body=body,
    )


def sync_detailed(
    *, client: AuthenticatedClient, body: ListJobsRequest | ModelLike
) -> Response[ListJobsResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(*, client: AuthenticatedClient, body: ListJobsRequest | ModelLike) -> ListJobsResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *, client: AuthenticatedClient, body: ListJobsRequest | ModelLike
) -> Response[ListJobsResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(
    *, client: AuthenticatedClient, body: ListJobsRequest | ModelLike
) -> ListJobsResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
