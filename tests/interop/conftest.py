"""These tests run with `nox -s interop`; elsewhere they are skipped without Provena's models."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "interop: needs provena-interfaces-v2")
