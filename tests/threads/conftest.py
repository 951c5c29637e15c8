"""Fixtures for tests of the synchronous client alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from sample_calls import LINEAGE_REPLY
from scripted_server import Received, Server
from threads.sync_client import ONE_CONNECTION, client_for

from prov_facade import SyncProvClient


@pytest.fixture(scope="session", autouse=True)
def certificates_loaded() -> None:
    """Load certificates with a first call: this takes longer than some deadlines of the tests."""
    with Server(LINEAGE_REPLY) as server, client_for(server.url) as client:
        client.explore_upstream("1")


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that closes every connection, unless a response is set."""
    with Server() as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[SyncProvClient]:
    """A client of that server, limited to one connection."""
    with client_for(server.url, limits=ONE_CONNECTION) as client:
        yield client


@pytest.fixture
def stall() -> Iterator[Callable[[Received], None]]:
    """A response that is not sent before the test ends."""
    ended = threading.Event()

    def wait(_: Received) -> None:
        ended.wait(20)

    yield wait
    ended.set()
