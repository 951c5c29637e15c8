"""The identity of a caller, from a verified access token."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from attrs import frozen


@frozen
class Claims:
    """The claims of a verified token.

    Attributes:
        username: The user name.
        email: The user's email address.
        roles: The user's realm roles.
        expires: When the token expires, in Unix seconds.
        client_id: The client that the token was issued to.
        token_id: The unique id of the token.
        session: The id of the session, shared by all tokens of one sign-in.
    """

    username: str
    email: str | None
    roles: tuple[str, ...]
    expires: float
    client_id: str
    token_id: str
    session: str


Verify: TypeAlias = Callable[[str], Claims | None]
"""Verifies an access token; returns ``None`` if the token is not valid."""
