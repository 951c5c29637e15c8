# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `User` schema."""

from __future__ import annotations

from attrs import define, field

from ..types import Model


@define
class User(Model):
    """The caller as the server sees them.

    Attributes:
        username: Login name.
        roles: Roles that the token carries.
        access_token: The token that the caller sent, repeated. A secret.
        email: E-mail address.
    """

    username: str
    roles: list[str]
    access_token: str = field(repr=False)
    email: str | None = None
