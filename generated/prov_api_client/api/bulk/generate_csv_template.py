# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""GET /bulk/generate_template/csv: Make an empty CSV file for a workflow template."""

from ...client import AuthenticatedClient
from ...models.error_detail import ErrorDetail
from ...models.http_validation_error import HTTPValidationError
from ...operation import Json, Operation, Request, Text
from ...types import Response

OPERATION: Operation[str] = Operation(
    operation_id="generate_csv_template",
    method="GET",
    path="/bulk/generate_template/csv",
    safe=True,
    secured=True,
    roles=("entity-registry-read",),
    parameters={
        "workflow_template_id": str,
    },
    body=None,
    responses={
        "200": {
            "text/csv": Text(),
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


def request(*, workflow_template_id: str) -> Request[str]:
    """Make an empty CSV file for a workflow template

    GET /bulk/generate_template/csv

    Answers with a CSV file that has a header row alone. Its columns follow from the workflow
    template: each row filled in below describes one model run. The id of the template stands
    in the first column's header and must stay there.

    Role: `entity-registry-read`.

    Args:
        workflow_template_id: Handle of the workflow template.

    Returns:
        The request, not yet sent.
    """
    return Request(
        OPERATION,
        query={
            "workflow_template_id": workflow_template_id,
        },
    )


def sync_detailed(*, client: AuthenticatedClient, workflow_template_id: str) -> Response[str]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(workflow_template_id=workflow_template_id)
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(*, client: AuthenticatedClient, workflow_template_id: str) -> str:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(workflow_template_id=workflow_template_id)
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *, client: AuthenticatedClient, workflow_template_id: str
) -> Response[str]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(workflow_template_id=workflow_template_id)
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(*, client: AuthenticatedClient, workflow_template_id: str) -> str:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(workflow_template_id=workflow_template_id)
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
