"""Fixtures of the tests of what the synchronous client alone does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blocking.calling import ONE, client_for
from sample_calls import LINEAGE_REPLY
from scripted_server import Received, Server

from prov_facade import SyncProvClient


@pytest.fixture(scope="session", autouse=True)
def certificates_loaded() -> None:
    """Make a first call, which takes longer than the deadlines of some tests."""
    with Server(LINEAGE_REPLY) as server, client_for(server.url) as client:
        client.explore_upstream("1")


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that closes every connection until it is told what to answer."""
    with Server() as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[SyncProvClient]:
    """A client of that server, with one connection."""
    with client_for(server.url, limits=ONE) as client:
        yield client


@pytest.fixture
def stall() -> Iterator[Callable[[Received], None]]:
    """An answer that does not come until the test is over."""
    over = threading.Event()

    def wait(_: Received) -> None:
        over.wait(20)

    yield wait
    over.set()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty directory."""
    made = tmp_path / "saved"
    made.mkdir()
    return made
