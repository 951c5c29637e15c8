"""Fixtures of the tests of files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from facade.clients import ClientKind
from facade.running import client_for
from facade.server import Server

from prov_facade import ProvClient
from prov_facade.sandbox import Sandbox
from prov_facade_pytest import SharedSandbox


@pytest.fixture
def sandbox(client_kind: ClientKind, shared_sandbox: SharedSandbox) -> Sandbox:  # noqa: ARG001
    return shared_sandbox.get()


@pytest.fixture
def server(client_kind: ClientKind) -> Iterator[Server]:  # noqa: ARG001
    """A server that closes every connection until it is told what to answer."""
    with Server() as server:
        yield server


@pytest.fixture
def client(server: Server) -> ProvClient:
    """A client of that server, which tries every call once."""
    return client_for(server.url)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty directory."""
    made = tmp_path / "saved"
    made.mkdir()
    return made
