"""Fixtures of the tests of jobs, each of which drives both clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from driving import CLIENTS, TRANSPORTS, Make
from facade.server import Server

from prov_facade.sandbox import Sandbox
from prov_facade_pytest import SharedSandbox


@pytest.fixture(params=CLIENTS)
def make(request: pytest.FixtureRequest) -> Make:
    """Makes a client, of the one kind and of the other."""
    return CLIENTS[request.param]


@pytest.fixture(params=TRANSPORTS)
def make_any(request: pytest.FixtureRequest) -> Make:
    """Makes a client, of both kinds, and over aiohttp."""
    if request.param == "aiohttp":
        pytest.importorskip("httpx_aiohttp")
    return TRANSPORTS[request.param]


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that closes every connection until it is told what to answer."""
    with Server() as server:
        yield server


@pytest.fixture
def sandbox(shared_sandbox: SharedSandbox) -> Sandbox:
    return shared_sandbox.get()
