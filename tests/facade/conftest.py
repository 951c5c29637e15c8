"""Fixtures of the tests of the facade."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from facade.running import client_for
from facade.server import Server

from prov_facade import ProvClient


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the proxies of the machine out of the tests."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that closes every connection until it is told what to answer."""
    with Server() as server:
        yield server


@pytest.fixture
def client(server: Server) -> ProvClient:
    """A client of that server."""
    return client_for(server.url)
