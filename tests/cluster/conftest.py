"""These tests run with `nox -s dask`; elsewhere they are skipped without Dask.

The folder is not named `dask`, which would hide the package.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from prov_facade.sandbox import Sandbox


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "dask: needs distributed and joblib")


@pytest.fixture(autouse=True)
def sandboxes_conform_to_the_documents() -> None:
    """Skip this check: these tests make too many requests to validate."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(record=False) as sandbox:
        yield sandbox
