"""Run with `nox -s auth_browser`; skipped unless everything is installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from auth_provider.conftest import sandbox
from auth_provider.provider import Provider

__all__ = ["provider", "sandbox"]


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    # Without an interval, so that the RFC's default applies. A flow that a test leaves waiting ends
    # after a minute.
    with Provider(device_interval=None, device_seconds=60) as provider:
        yield provider
