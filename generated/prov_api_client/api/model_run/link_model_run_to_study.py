# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""POST /model_run/edit/link_to_study: Link a model run to a study."""

from ...client import AuthenticatedClient
from ...models.add_study_link_response import AddStudyLinkResponse
from ...models.error_detail import ErrorDetail
from ...models.http_validation_error import HTTPValidationError
from ...operation import Json, Operation, Request, Text
from ...types import Response

OPERATION: Operation[AddStudyLinkResponse] = Operation(
    operation_id="link_model_run_to_study",
    method="POST",
    path="/model_run/edit/link_to_study",
    safe=False,
    secured=True,
    roles=("entity-registry-read", "entity-registry-write"),
    parameters={
        "model_run_id": str,
        "study_id": str,
    },
    body=None,
    responses={
        "200": {
            "application/json": Json(AddStudyLinkResponse),
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


def request(*, model_run_id: str, study_id: str) -> Request[AddStudyLinkResponse]:
    """Link a model run to a study

    POST /model_run/edit/link_to_study

    Links a registered model run to a study. The change is made by a job; the answer holds the
    job's session id. Both ids go into the query, and there is no body.

    Roles: `entity-registry-read` and `entity-registry-write`.

    Args:
        model_run_id: Handle of the model run.
        study_id: Handle of the study.

    Returns:
        The request, not yet sent.
    """
    return Request(
        OPERATION,
        query={
            "model_run_id": model_run_id,
            "study_id": study_id,
        },
    )


def sync_detailed(
    *, client: AuthenticatedClient, model_run_id: str, study_id: str
) -> Response[AddStudyLinkResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(model_run_id=model_run_id, study_id=study_id)
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(*, client: AuthenticatedClient, model_run_id: str, study_id: str) -> AddStudyLinkResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(model_run_id=model_run_id, study_id=study_id)
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *, client: AuthenticatedClient, model_run_id: str, study_id: str
) -> Response[AddStudyLinkResponse]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(model_run_id=model_run_id, study_id=study_id)
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(
    *, client: AuthenticatedClient, model_run_id: str, study_id: str
) -> AddStudyLinkResponse:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(model_run_id=model_run_id, study_id=study_id)
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
