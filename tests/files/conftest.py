"""Fixtures for tests of files."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty directory."""
    made = tmp_path / "saved"
    made.mkdir()
    return made
