# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""POST /explore/generate/report: Make a Word report of an item's provenance."""

from ...client import AuthenticatedClient
from ...models.error_detail import ErrorDetail
from ...models.generate_report_request import GenerateReportRequest
from ...models.generate_report_response import GenerateReportResponse
from ...models.http_validation_error import HTTPValidationError
from ...operation import Binary, Json, Operation, Request, Text
from ...types import ModelLike, Response

OPERATION: Operation[GenerateReportResponse | bytes] = Operation(
    operation_id="generate_report",
    method="POST",
    path="/explore/generate/report",
    safe=True,
    secured=True,
    roles=("entity-registry-read",),
    parameters={},
    body=GenerateReportRequest,
    responses={
        "200": {
            "application/json": Json(GenerateReportResponse),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document": Binary(),
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


def request(*, body: GenerateReportRequest | ModelLike) -> Request[GenerateReportResponse | bytes]:
    """Make a Word report of an item's provenance

    POST /explore/generate/report

    Makes a `.docx` report of the inputs, model runs and outputs around a study or a model
    run. Other subtypes are not supported.

    Servers since early 2026 start a job and answer with its session id; the job's result
    holds the address of the document. Older servers make the document within the request and
    answer with its bytes. The media type of the answer tells the two apart.

    Role: `entity-registry-read`.

    Args:
        body: What the report is about.

    Returns:
        The request, not yet sent.
    """
    return Request(
        OPERATION,
        body=body,
    )


def sync_detailed(
    *, client: AuthenticatedClient, body: GenerateReportRequest | ModelLike
) -> Response[GenerateReportResponse | bytes]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(client.get_httpx_client().request(**call.to_httpx()))


def sync(
    *, client: AuthenticatedClient, body: GenerateReportRequest | ModelLike
) -> GenerateReportResponse | bytes:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(client.get_httpx_client().request(**call.to_httpx()))


async def asyncio_detailed(
    *, client: AuthenticatedClient, body: GenerateReportRequest | ModelLike
) -> Response[GenerateReportResponse | bytes]:
    """Send `request(...)` and return the response, whatever its status."""
    call = request(body=body)
    return OPERATION.respond(await client.get_async_httpx_client().request(**call.to_httpx()))


async def asyncio(
    *, client: AuthenticatedClient, body: GenerateReportRequest | ModelLike
) -> GenerateReportResponse | bytes:
    """Send `request(...)` and return its value, or raise `errors.ResponseError`."""
    call = request(body=body)
    return OPERATION.read(await client.get_async_httpx_client().request(**call.to_httpx()))
