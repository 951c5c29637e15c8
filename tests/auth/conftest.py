"""A sandbox whose realm signs people in at once, and a home that is empty."""

from __future__ import annotations

from pathlib import Path

import pytest
from signing import SECRET, SERVICE

from prov_facade.sandbox import Client, Sandbox
from prov_facade_pytest import SharedSandbox


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory of the test's own."""
    made = tmp_path / "home"
    made.mkdir()
    monkeypatch.setenv("HOME", str(made))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("PROV_OFFLINE_TOKEN", raising=False)
    return made


@pytest.fixture
def sandbox(shared_sandbox: SharedSandbox) -> Sandbox:
    sandbox = shared_sandbox.get(clients={SERVICE: Client(SECRET, ("read",))})
    sandbox.realm.interval = 0.01
    return sandbox
