"""Fixtures of the fault suite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from facade.clients import ClientKind
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
def players() -> Iterator[Mapping[ClientKind, Player]]:
    """Play each fault to each operation of each client, once."""
    with Player("async") as one, Player("sync") as other:
        yield {"async": one, "sync": other}


@pytest.fixture
def player(client_kind: ClientKind, players: Mapping[ClientKind, Player]) -> Player:
    """The player of the client that the test drives."""
    return players[client_kind]


@pytest.fixture
def server(client_kind: ClientKind) -> Iterator[Server]:  # noqa: ARG001
    """A server that closes every connection until it is told what to answer."""
    with Server() as server:
        yield server
