"""Every operation meets every fault: the right error, and the right number of requests."""

from __future__ import annotations

import pickle

import pytest
from faults.kinds import WRITES, expected, faults
from faults.playing import Player

from prov_api_client import OPERATIONS

NAMES = [fault.name for fault in faults("http://elsewhere.test")]


def test_the_operations_that_change_something_are_these() -> None:
    assert {name for name, operation in OPERATIONS.items() if not operation.safe} == WRITES


def test_the_faults_have_names_of_their_own() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("name", NAMES)
def test_an_operation_meets_a_fault(operation: str, name: str, player: Player) -> None:
    fault = next(fault for fault in player.faults if fault.name == name)
    rule, outcome = expected(fault, operation), player.outcome(operation, fault)
    error = outcome.error

    assert outcome.requests == rule.requests
    assert outcome.renewals == rule.renewals
    assert outcome.elsewhere == 0
    if operation in WRITES and fault.acts:
        assert outcome.requests == 1
    assert type(error) is (rule.error or type(None)), error
    if error is None:
        return
    message = str(error)
    assert all(words in message for words in rule.says), message
    assert ("check before" in message) == ("check before" in " ".join(rule.says)), message
    assert error.operation == operation
    assert error.method == OPERATIONS[operation].method
    # A renewed token is no attempt of its own.
    assert len(error.attempts) == rule.requests - rule.renewals
    assert error.attempts[-1].error == type(error).__name__
    assert error.attempts[-1].status_code == error.status_code
    assert all(attempt.seconds >= 0 for attempt in error.attempts)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  (our own)
    assert (type(copy), str(copy), copy.attempts) == (type(error), message, error.attempts)


@pytest.mark.parametrize("operation", [name for name, o in OPERATIONS.items() if o.roles])
def test_a_missing_role_is_named(operation: str, player: Player) -> None:
    fault = next(fault for fault in player.faults if fault.name == "401, role missing")
    message = str(player.outcome(operation, fault).error)
    assert all(role in message for role in OPERATIONS[operation].roles)
