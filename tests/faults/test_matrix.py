"""Each fault leads to the right error after the right number of requests.

The rule distinguishes reads and writes, with three exceptions. The default run applies each fault
to one read and one write, and to the exceptions where they differ. The stress run applies each
fault to each operation.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Iterator

import pytest
from clients import ClientKind, every_transport, retrying_client, run
from faults.player import Outcome, Player
from faults.rule import (
    REPORT,
    WITHOUT_TOKEN,
    WRITES,
    expected,
    faults,
    is_exception,
)
from sample_calls import LINEAGE_REPLY, SAMPLES
from scripted_server import Cut, Received, Reply, Server

from prov_api_client import OPERATIONS
from prov_facade import TransportError, TransportTimeoutError

FAULTS = {fault.name: fault for fault in faults("http://elsewhere.test")}
CONNECTION_FAULTS = [*FAULTS][:7]  # the first in the table
READ, WRITE = "explore_upstream", "register_model_run"


def cases() -> Iterator[object]:
    """Yield each fault with each operation; most pairs are only for the stress run."""
    for name, fault in FAULTS.items():
        for operation in OPERATIONS:
            by_default = operation in {READ, WRITE} or is_exception(fault, operation)
            marks = () if by_default else pytest.mark.stress
            yield pytest.param(name, operation, marks=marks)


def test_the_unsafe_operations_of_the_document_are_the_writes() -> None:
    assert {name for name, operation in OPERATIONS.items() if not operation.safe} == WRITES
    assert not {READ, REPORT, *WITHOUT_TOKEN} & WRITES
    assert WRITE in WRITES


@pytest.mark.parametrize(("name", "operation"), [*cases()])
def test_a_fault_has_the_expected_outcome(name: str, operation: str, player: Player) -> None:
    fault = next(fault for fault in player.faults if fault.name == name)
    rule, outcome = expected(fault, operation), player.outcome(operation, fault)
    error = outcome.error

    assert outcome.requests == rule.requests
    assert outcome.renewals == rule.renewals
    assert outcome.elsewhere == 0
    if operation in WRITES and fault.may_have_acted:
        assert outcome.requests == 1
    assert type(error) is (rule.error or type(None)), error
    if error is None:
        return
    message = str(error)
    assert all(words in message for words in rule.says), message
    assert ("check before" in message) == ("check before" in " ".join(rule.says)), message
    assert error.operation == operation
    assert error.method == OPERATIONS[operation].method
    # A request that is repeated with a new token does not count as another attempt.
    assert len(error.attempts) == rule.requests - rule.renewals
    assert error.attempts[-1].error == type(error).__name__
    assert error.attempts[-1].status_code == error.status_code
    assert all(attempt.seconds >= 0 for attempt in error.attempts)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  (our own)
    assert (type(copy), str(copy), copy.attempts) == (type(error), message, error.attempts)
    if name == "401, role missing":
        assert all(role in message for role in OPERATIONS[operation].roles)


# Parts of messages that vary: ports, times, and the reason for a refused connection, which asyncio
# words differently.
_VARIES = re.compile(r"(?<=127\.0\.0\.1):\d+|\d+(\.\d)? s| \([^()]+\)(?=\.)")


@pytest.mark.stress
@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("operation", [READ, WRITE])
def test_both_clients_have_the_same_outcome(
    name: str, operation: str, player_of: Callable[[ClientKind], Player]
) -> None:
    def comparable(outcome: Outcome) -> tuple[object, ...]:
        error, attempts = outcome.error, outcome.error.attempts if outcome.error else ()
        made = [(attempt.error, attempt.status_code) for attempt in attempts]
        said = _VARIES.sub("", str(error))
        return type(error), said, made, outcome.requests, outcome.renewals, outcome.elsewhere

    one, other = (
        comparable(
            player.outcome(operation, next(fault for fault in player.faults if fault.name == name))
        )
        for player in (player_of("async"), player_of("sync"))
    )
    assert one == other


@pytest.mark.parametrize("operation", [READ, WRITE])
@pytest.mark.parametrize("name", CONNECTION_FAULTS)
def test_a_failed_connection_over_aiohttp_has_the_expected_outcome(
    name: str, operation: str, player_of: Callable[[ClientKind], Player]
) -> None:
    pytest.importorskip("aiohttp")
    test_a_fault_has_the_expected_outcome(name, operation, player_of("aiohttp"))


@every_transport
@pytest.mark.parametrize("breaks", [None, Cut(), b"\xff" * 300 + b"\r\n\r\n", b"HTTP/1.1 200 O"])
def test_a_write_on_a_reused_connection_that_breaks_is_sent_once(
    breaks: Reply, server: Server
) -> None:
    def respond(_: Received) -> Reply:
        server.keeps_open = len(server.received) < 2
        return LINEAGE_REPLY if server.keeps_open else breaks

    server.response = respond

    async def twice() -> None:
        async with retrying_client(server.url) as client:
            await client.explore_upstream("1")
            with pytest.raises(TransportError, match="check before") as caught:
                await SAMPLES[WRITE].call(client)
            assert not isinstance(caught.value, TransportTimeoutError)

    run(twice())
    assert [r.path for r in server.received[1:]] == [OPERATIONS[WRITE].path]
