"""Isolates the tests from the settings of the machine and the user."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from profiles.sources import VARIABLES
from scripted_server import Server, json_reply


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home directory."""
    for name in (*VARIABLES.values(), "PROV_PROFILE", "PROV_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def realm_server() -> Iterator[Server]:
    """A realm that records requests and rejects them."""
    with Server(json_reply({"error": "invalid_client"}, 400)) as server:
        yield server
