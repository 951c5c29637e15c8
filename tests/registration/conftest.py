"""Fixtures of the tests of long registrations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from registration.registrar import KINDS, SEED, Kind, Registrar, registrar

from prov_facade.sandbox import JobDelays, Sandbox

NO_DELAYS = JobDelays(hidden=0, pending=0, dequeued=0, in_progress=0)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=SEED, delays=NO_DELAYS) as sandbox:
        yield sandbox


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Which client: everything here holds for both."""
    found: Kind = request.param
    return found


@pytest.fixture
def registering(kind: Kind, sandbox: Sandbox) -> Registrar:
    """Registers in the sandbox, and tries each call once."""
    return registrar(kind, sandbox)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return tmp_path / "manifest"
