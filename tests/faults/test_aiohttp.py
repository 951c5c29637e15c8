"""Over aiohttp, writes are sent once as well, and its faults are told apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from facade.clients import EVERY_TRANSPORT
from facade.running import run
from facade.samples import SAMPLES
from facade.server import Cut, Received, Reply, Server
from faults.kinds import WRITES, expected, faults
from faults.playing import Player
from faults.scripted import GOOD, client_for

from prov_api_client import OPERATIONS
from prov_facade import TransportError, TransportTimeoutError

NAMES = [fault.name for fault in faults("http://elsewhere.test")][:5]


@pytest.fixture(scope="module")
def over_aiohttp() -> Iterator[Player]:
    pytest.importorskip("httpx_aiohttp")
    with Player(transport="aiohttp") as player:
        yield player


@pytest.mark.parametrize("operation", [*sorted(WRITES), "explore_upstream", "generate_report"])
@pytest.mark.parametrize("name", NAMES)
def test_a_connection_fails(operation: str, name: str, over_aiohttp: Player) -> None:
    fault = next(fault for fault in over_aiohttp.faults if fault.name == name)
    rule, outcome = expected(fault, operation), over_aiohttp.outcome(operation, fault)
    assert outcome.requests == rule.requests
    assert type(outcome.error) is rule.error
    assert all(words in str(outcome.error) for words in rule.says), outcome.error


@pytest.mark.parametrize("breaks", [None, Cut(), b"\xff" * 300 + b"\r\n\r\n", b"HTTP/1.1 200 O"])
@pytest.mark.parametrize("operation", sorted(WRITES))
@EVERY_TRANSPORT
def test_a_kept_connection_that_breaks_is_not_tried_again_behind_our_back(
    transport: str | None, operation: str, breaks: Reply, server: Server
) -> None:
    def answer(_: Received) -> Reply:
        server.keeps_open = len(server.received) < 2
        return GOOD if server.keeps_open else breaks

    server.answer = answer
    if transport:
        pytest.importorskip("httpx_aiohttp")

    async def twice() -> None:
        async with client_for(server.url, transport=transport) as client:
            await client.explore_upstream("1")
            with pytest.raises(TransportError, match="check before") as caught:
                await SAMPLES[operation].call(client)
            assert not isinstance(caught.value, TransportTimeoutError)

    run(twice())
    assert [r.path for r in server.received[1:]] == [OPERATIONS[operation].path]
