"""Fixtures for tests of long registrations."""

from __future__ import annotations

from pathlib import Path

import pytest
from registration.registrar import SEED, Kind, Registrar, registrar_for

from prov_facade.sandbox import JobDelays, Sandbox
from prov_facade_pytest import SharedSandbox

NO_DELAYS = JobDelays(hidden=0, pending=0, dequeued=0, in_progress=0)


@pytest.fixture
def sandbox(shared_sandbox: SharedSandbox) -> Sandbox:
    return shared_sandbox.get(seed=SEED, delays=NO_DELAYS)


@pytest.fixture(params=["async", pytest.param("sync", marks=pytest.mark.sync_variant)])
def kind(request: pytest.FixtureRequest) -> Kind:
    """The kind of client."""
    found: Kind = request.param
    return found


@pytest.fixture
def registrar(kind: Kind, sandbox: Sandbox) -> Registrar:
    """Registers in the sandbox, with a client that does not retry."""
    return registrar_for(kind, sandbox)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return tmp_path / "manifest"
