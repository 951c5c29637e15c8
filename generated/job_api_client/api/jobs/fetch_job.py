# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""GET /jobs/user/fetch: Look at a job."""

from prov_api_client.client import AuthenticatedClient
from prov_api_client.operation import Json, Operation, Request, Text
from prov_api_client.types import Response

from ...models.error_detail import ErrorDetail
from ...models.get_job_response import GetJobResponse
from ...models.http_validation_error import HTTPValidationError

OPERATION: Operation[GetJobResponse] = Operation(
    operation_id="fetch_job",
    method="GET",
    path="/jobs/user/fetch",
    safe=True,
    secured=True,
    roles=(),
    parameters={
        "session_id": str,
    },
    body=None,
    responses={
        "200": {
            "application/json": Json(GetJobResponse),
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


def request(*, session_id: str) -> Request[GetJobResponse]:
    """Look at a job

    GET /jobs/user/fetch

    Answers with the job as it stands. The `session_id` is the one that the job was started
    with.

    For the first seconds of a job's life the server does not know it yet and answers 400. It
    says the same of a job that never was: only time tells the two apart.

    Role: any valid token.

    Args:
        session_id: Session id of the job, a UUID.

    Returns:
        The request, not yet sent.
    """
    return Request(
        OPERATION,
        query={
            "session_id": session_id,
        },
    )


def sync_detailed(*, client: AuthenticatedClient, session_id: str) -> Response[GetJobResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(session_id=session_id)
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(*, client: AuthenticatedClient, session_id: str) -> GetJobResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(session_id=session_id)
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *, client: AuthenticatedClient, session_id: str
) -> Response[GetJobResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(session_id=session_id)
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(*, client: AuthenticatedClient, session_id: str) -> GetJobResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(session_id=session_id)
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
