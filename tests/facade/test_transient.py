"""Which retries an error status permits."""

from __future__ import annotations

import httpx
import pytest

from prov_api_client import OPERATIONS
from prov_facade._http.responses import parse_response
from prov_facade._http.transient import Retry, is_retryable, is_transient, retry_for_status
from prov_facade.errors import APIError


def error_for(status: int) -> APIError:
    request = httpx.Request("GET", "https://prov-api.prov.test/")
    with pytest.raises(APIError) as caught:
        parse_response(OPERATIONS["get_health_check"], httpx.Response(status, request=request))
    return caught.value


@pytest.mark.parametrize(
    ("status", "retry"),
    [
        (None, Retry.NEVER),
        (400, Retry.NEVER),
        (429, Retry.ALWAYS),
        (500, Retry.LATER),
        (502, Retry.IF_SAFE),
        (503, Retry.ON_REQUEST),
        (504, Retry.IF_SAFE),
        (599, Retry.LATER),
    ],
)
def test_a_status_permits_retries(status: int | None, retry: Retry) -> None:
    assert retry_for_status(status) is retry


def test_errors_permit_the_retries_of_their_status() -> None:
    for status in range(400, 600):
        error, retry = error_for(status), retry_for_status(status)
        assert is_transient(error) == (retry >= Retry.LATER), status
        assert is_retryable(error, safe=True) == (retry >= Retry.IF_SAFE), status
        assert is_retryable(error, safe=False) == (retry >= Retry.ALWAYS), status
