from __future__ import annotations

from collections.abc import Iterator

import pytest
from clients import ClientKind, new
from contract_server import ContractServer

from prov_facade import PollPolicy, ProvClient, RetryPolicy


@pytest.fixture(scope="session")
def started_server() -> Iterator[ContractServer]:
    with ContractServer() as server:
        server.warm_up()
        yield server


@pytest.fixture
def server(
    started_server: ContractServer,
    client_kind: ClientKind,  # noqa: ARG001
) -> Iterator[ContractServer]:
    """The mock server, after a reset. It fails the test if a request does not conform."""
    started_server.reset()
    yield started_server
    started_server.check()


@pytest.fixture
def client(server: ContractServer) -> ProvClient:
    return new(
        ProvClient,
        server.auth,
        server.config,
        retries=RetryPolicy.none(),
        polling=PollPolicy(deadline=5),
    )
