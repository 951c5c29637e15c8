"""Fixtures of the tests of the facade."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from facade.clients import ClientKind
from facade.running import client_for
from facade.server import Server

from prov_facade import ProvClient


@pytest.fixture
def server(client_kind: ClientKind) -> Iterator[Server]:  # noqa: ARG001
    """A server that closes every connection until it is told what to answer."""
    with Server() as server:
        yield server


@pytest.fixture
def client(server: Server) -> ProvClient:
    """A client of that server."""
    return client_for(server.url)
