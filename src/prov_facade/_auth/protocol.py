"""The messages of OAuth 2.0, encoded and parsed by oauthlib.

Imported by the first token request: many programs never make one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from oauthlib.oauth2 import BackendApplicationClient, DeviceClient, OAuth2Error
from oauthlib.oauth2.rfc6749.clients.base import Client

_LIFETIME = ("expires_in", "expires_at")


class RefusedError(Exception):
    """The response reports an error, or is not a token response.

    Attributes:
        error: The error code.
        description: Its description.
    """

    def __init__(self, error: str, description: str | None) -> None:
        super().__init__(error)
        self.error = error
        self.description = description


def refresh_body(client_id: str, refresh_token: str, scope: str | None) -> str:
    """Return the form that requests tokens with a refresh token, RFC 6749, 6."""
    body: str = Client(client_id).prepare_refresh_body(
        refresh_token=refresh_token, scope=scope, client_id=client_id
    )
    return body


def client_body(client_id: str, scope: str | None) -> str:
    """Return the form that requests tokens for the client itself, RFC 6749, 4.4."""
    client = BackendApplicationClient(client_id)
    body: str = client.prepare_request_body(include_client_id=True, scope=scope)
    return body


def device_body(client_id: str, device_code: str) -> str:
    """Return the form that requests tokens with a device code, RFC 8628, 3.4."""
    body: str = DeviceClient(client_id).prepare_request_body(device_code, include_client_id=True)
    return body


def parse_tokens(client_id: str, response: Mapping[str, Any]) -> Mapping[str, Any]:
    """Check the response of a token endpoint.

    Args:
        client_id: The client that sent the request.
        response: The response, decoded.

    Returns:
        The response without its lifetime, which oauthlib accepts only as an integer.

    Raises:
        RefusedError: If it reports an error, or has no token.
        ValueError: If it is malformed.
        TypeError: Likewise.
    """
    try:
        text = json.dumps({k: v for k, v in response.items() if k not in _LIFETIME})
        found: Mapping[str, Any] = Client(client_id).parse_request_body_response(text)
    except OAuth2Error as error:
        raise RefusedError(str(error.error), error.description) from None
    return found
