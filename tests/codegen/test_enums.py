from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import msgspec
import pytest


@pytest.fixture
def kind(compiled: Callable[[str], ModuleType]) -> Any:
    return compiled("shapes").models.Kind


@pytest.mark.parametrize("value", ["oval", "", 'a "b"', "ROUND"])
def test_an_unknown_value_decodes_and_encodes_back(kind: Any, value: str) -> None:
    encoded = msgspec.json.encode(value)
    member = msgspec.json.decode(encoded, type=kind)
    assert isinstance(member, kind)
    assert msgspec.json.encode(member) == encoded
    assert msgspec.to_builtins(member) == value


def test_an_unknown_value_equals_its_string(kind: Any) -> None:
    member = kind("oval")
    assert member == "oval"
    assert hash(member) == hash("oval")
    assert (str(member), f"{member}", member.name, member.value) == ("oval",) * 4
    assert member not in (kind.ROUND, kind("oblong"))
    assert {member: 1}["oval"] == 1


def test_an_unknown_value_is_the_same_object_each_time(kind: Any) -> None:
    member = kind("oval")
    assert kind("oval") is member
    assert msgspec.json.decode(b'"oval"', type=kind) is member
    assert msgspec.convert("oval", kind) is member


@pytest.mark.parametrize("value", ["oval", "round"])
def test_a_member_keeps_its_identity_in_copies_and_pickles(kind: Any, value: str) -> None:
    member = kind(value)
    assert copy.copy(member) is member
    assert copy.deepcopy(member) is member
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(member, protocol)) is member  # noqa: S301 (our own bytes)


def test_concurrent_threads_get_the_same_object_for_an_unknown_value(kind: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        for round_ in range(50):
            members = list(pool.map(kind, [f"new {round_}"] * 8))
            assert len(set(map(id, members))) == 1


def test_iteration_yields_only_documented_values(kind: Any) -> None:
    kind("oval")
    assert list(kind) == ["round", "square"]
    assert list(kind.__members__) == ["ROUND", "SQUARE"]
    assert len(kind) == 2
    assert kind.ROUND is kind("round")


def test_a_value_with_the_name_of_a_member_is_not_that_member(kind: Any) -> None:
    assert kind("ROUND") is not kind.ROUND
    assert kind("ROUND") != kind.ROUND
    assert kind["ROUND"] is kind.ROUND


@pytest.mark.parametrize("value", [1, None, ["round"], b"round"])
def test_a_value_that_is_not_a_string_is_an_error(kind: Any, value: object) -> None:
    with pytest.raises(ValueError, match="is not a valid Kind"):
        kind(value)


def test_a_json_number_is_an_error(kind: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b"1", type=kind)
