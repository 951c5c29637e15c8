"""Fixtures of the fault suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from clients import ClientKind, retrying_client, run
from faults.player import Player
from sample_calls import LINEAGE_REPLY
from scripted_server import Server


@pytest.fixture(scope="session", autouse=True)
def certificates_loaded() -> None:
    """Make the first call, which loads the certificates, outside the deadlines of the tests."""
    with Server(LINEAGE_REPLY) as server:
        run(retrying_client(server.url).explore_upstream("1"))


@pytest.fixture(scope="session")
def player_of() -> Iterator[Callable[[ClientKind], Player]]:
    """A function that returns the shared player of a kind of client."""
    with ExitStack() as stack:
        yield cache(lambda kind: stack.enter_context(Player(kind)))


@pytest.fixture
def player(client_kind: ClientKind, player_of: Callable[[ClientKind], Player]) -> Player:
    """The player of the client that the test runs with."""
    return player_of(client_kind)
