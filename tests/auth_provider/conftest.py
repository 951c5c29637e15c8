"""Run with `nox -s auth_provider`; skipped unless oidc-provider is installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from auth_provider.provider import Provider

from prov_facade.sandbox import Sandbox


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


@pytest.fixture
def sandbox(provider: Provider) -> Iterator[Sandbox]:
    with Sandbox(trusted_issuer=provider.issuer) as sandbox:
        yield sandbox
