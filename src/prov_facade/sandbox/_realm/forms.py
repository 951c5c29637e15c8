"""Reads forms and credentials sent to a realm."""

from __future__ import annotations

import base64
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request

from prov_facade.sandbox._realm.realm import OAuthError

Form: TypeAlias = dict[str, str]

_MAX_BODY_SIZE = 64 * 1024


async def read_form(request: Request, *, repeated: str | None = None) -> Form:
    """Read a form.

    Args:
        request: The request.
        repeated: The only parameter that can be repeated; its values are joined with spaces.

    Raises:
        OAuthError: If the body is not a form.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", "The body is not a form.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY_SIZE:
            raise OAuthError("invalid_request", "The body is too long.", 413)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise OAuthError("invalid_request", "The body is not a form.") from None
    form: Form = {}
    for name, value in pairs:
        if name not in form:
            form[name] = value
        elif name == repeated:
            form[name] += f" {value}"
        else:
            raise OAuthError("invalid_request", f"Parameter {name} is given more than once.")
    return form


def basic_credentials(header: str) -> tuple[str, str]:
    """Return the id and the secret of a client in an ``Authorization`` header."""
    scheme, _, credentials = header.partition(" ")
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except ValueError:
        text = ""
    if scheme.lower() != "basic" or ":" not in text:
        raise OAuthError("invalid_client", "The Authorization header is not Basic.", 401)
    client_id, _, secret = text.partition(":")
    # Both are form-encoded (RFC 6749).
    return unquote_plus(client_id), unquote_plus(secret)


def parameter(form: Form, name: str) -> str:
    """Return a required parameter.

    Raises:
        OAuthError: If it is missing or empty.
    """
    value = form.get(name)
    if not value:
        raise OAuthError("invalid_request", f"Parameter {name} is missing.")
    return value
