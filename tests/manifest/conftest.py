"""Fixtures of the tests of manifests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a manifest may be."""
    return tmp_path / "runs.manifest"
