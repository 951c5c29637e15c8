"""The messages of OAuth 2.0, by oauthlib.

Imported when a realm is first asked for tokens: many a program never asks one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from oauthlib.oauth2 import BackendApplicationClient, DeviceClient, OAuth2Error
from oauthlib.oauth2.rfc6749.clients.base import Client

_LIFETIME = ("expires_in", "expires_at")


class RefusedError(Exception):
    """The answer says that there are no tokens, or is no answer to a request for tokens.

    Attributes:
        error: The code.
        description: What is said about it.
    """

    def __init__(self, error: str, description: str | None) -> None:
        super().__init__(error)
        self.error = error
        self.description = description


def refresh_body(client_id: str, refresh_token: str, scope: str | None) -> str:
    """Return the form of a request for tokens by a refresh token, RFC 6749, 6."""
    body: str = Client(client_id).prepare_refresh_body(
        refresh_token=refresh_token, scope=scope, client_id=client_id
    )
    return body


def client_body(client_id: str, scope: str | None) -> str:
    """Return the form of a request for tokens by the client's own account, RFC 6749, 4.4."""
    client = BackendApplicationClient(client_id)
    body: str = client.prepare_request_body(include_client_id=True, scope=scope)
    return body


def device_body(client_id: str, device_code: str) -> str:
    """Return the form of a request for tokens by a device code, RFC 8628, 3.4."""
    body: str = DeviceClient(client_id).prepare_request_body(device_code, include_client_id=True)
    return body


def read_tokens(client_id: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Check the answer of a token endpoint.

    Args:
        client_id: The client that asked.
        answer: The answer, decoded.

    Returns:
        The answer, without its lifetime, of which oauthlib takes whole numbers alone.

    Raises:
        RefusedError: If it is an error, or has no token.
        ValueError: If it is malformed.
        TypeError: Likewise.
    """
    try:
        text = json.dumps({k: v for k, v in answer.items() if k not in _LIFETIME})
        found: Mapping[str, Any] = Client(client_id).parse_request_body_response(text)
    except OAuth2Error as error:
        raise RefusedError(str(error.error), error.description) from None
    return found
