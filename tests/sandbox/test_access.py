"""Callers are told who they are."""

from __future__ import annotations

import httpx
import pytest

from prov_facade.sandbox import Sandbox


@pytest.mark.parametrize("roles", [(), ("read",), ("write", "read"), ("read", "write", "admin")])
def test_callers_are_told_what_their_token_says(roles: tuple[str, ...], sandbox: Sandbox) -> None:
    token = sandbox.token(*roles, username="ann")
    answer = httpx.get(
        f"{sandbox.url}/check-access/check-general-access",
        headers={"Authorization": f"Bearer {token}"},
    )
    told = answer.raise_for_status().json()
    assert sorted(told.pop("roles")) == sorted(f"entity-registry-{role}" for role in roles)
    assert told == {"username": "ann", "email": "ann@example.org", "access_token": token}
