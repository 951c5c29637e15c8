"""Clients from profiles, against a sandbox."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from profiles.sources import BOTH, AnyClient, write_config

from prov_facade import ClientCredentials, ProvClient, User, connect_sync
from prov_facade.sandbox import Client, Sandbox

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQ"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(clients={"pipeline": Client(SECRET, ("read", "write"))}) as sandbox:
        yield sandbox


def deployment(sandbox: Sandbox) -> dict[str, object]:
    """The profile of a sandbox."""
    config = sandbox.config
    overrides = attrs.asdict(config.api_overrides)
    return {
        "domain": config.domain,
        "realm": config.realm_name,
        **{name: value for name, value in overrides.items() if value is not None},
    }


def user_of(client: AnyClient) -> User:
    """Return the user that the prov-api recognises."""
    if not isinstance(client, ProvClient):
        with client:
            return client.check_write_access()

    async def call() -> User:
        async with client:
            return await client.check_write_access()

    return asyncio.run(call())


@BOTH
def test_a_token_from_the_environment_works_with_a_profile(
    make: Any, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_config(tmp_path / "config.toml", {"sandbox": deployment(sandbox)}, 0o644)
    monkeypatch.setenv("PROV_CONFIG_FILE", str(file))
    monkeypatch.setenv("PROV_TOKEN", sandbox.token("read", "write", username="ann"))
    assert user_of(make("sandbox")).username == "ann"


@BOTH
def test_a_profile_signs_in_as_a_client_with_its_secret(
    make: Any, sandbox: Sandbox, tmp_path: Path
) -> None:
    profile = {**deployment(sandbox), "client_id": "pipeline", "client_secret": SECRET}
    file = write_config(tmp_path / "config.toml", {"default": profile})
    client = make(config_file=file)
    assert isinstance(client._auth, ClientCredentials)
    assert user_of(client).username == "service-account-pipeline"
    (signed_in,) = (each for each in sandbox.requests if each.path.endswith("/token"))
    assert b"grant_type=client_credentials" in signed_in.body


def test_a_client_made_from_a_profile_can_be_pickled(sandbox: Sandbox, tmp_path: Path) -> None:
    profile = {**deployment(sandbox), "client_id": "pipeline", "client_secret": SECRET}
    file = write_config(tmp_path / "config.toml", {"default": profile})
    pickled = pickle.dumps(connect_sync(config_file=file))
    file.unlink()
    assert user_of(pickle.loads(pickled)).username == "service-account-pipeline"  # noqa: S301
