"""The access checks return the identity of the caller."""

from __future__ import annotations

import pytest
from sandbox import http

from prov_facade.sandbox import Sandbox


@pytest.mark.parametrize("roles", [(), ("read",), ("write", "read"), ("read", "write", "admin")])
def test_access_checks_return_the_claims(roles: tuple[str, ...], sandbox: Sandbox) -> None:
    token = sandbox.token(*roles, username="ann")
    response = http.get(
        f"{sandbox.url}/check-access/check-general-access",
        headers={"Authorization": f"Bearer {token}"},
    )
    user = response.raise_for_status().json()
    assert sorted(user.pop("roles")) == sorted(f"entity-registry-{role}" for role in roles)
    assert user == {"username": "ann", "email": "ann@example.org", "access_token": token}
