"""Fixtures of the fault suite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from facade.running import run
from facade.server import Server
from faults.playing import Player
from faults.scripted import GOOD, client_for


@pytest.fixture(scope="session", autouse=True)
def certificates_loaded() -> None:
    """Make a first call, which takes longer than the deadlines of some tests."""
    with Server(GOOD) as server:
        run(client_for(server.url).explore_upstream("1"))


@pytest.fixture(scope="session")
def player() -> Iterator[Player]:
    """Plays each fault to each operation, once."""
    with Player() as player:
        yield player


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that closes every connection until it is told what to answer."""
    with Server() as server:
        yield server
