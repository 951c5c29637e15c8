from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["clients", "sandbox_checks", "secrets_check"]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the proxy settings of the environment from the tests."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty directory."""
    path = tmp_path / "saved"
    path.mkdir()
    return path
