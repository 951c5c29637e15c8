"""These tests run with `nox -s predecessor`; elsewhere they are skipped without provenaclient."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from prov_facade.sandbox import Sandbox


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "predecessor: needs provenaclient")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that returns reports, since the predecessor cannot follow their jobs."""
    with Sandbox(report_style="document") as sandbox:
        yield sandbox
