"""Enums take strings that this version has no name for."""

from __future__ import annotations

import copy
import json
import pickle

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties.models import SETTINGS, schemas

from prov_api_client import models
from prov_api_client.models import ItemSubType, LineageNode
from prov_api_client.types import OpenStrEnum

ENUMS: dict[str, type[OpenStrEnum]] = {name: getattr(models, name) for name in schemas("string")}
EVERY = pytest.mark.parametrize("name", ENUMS)


def test_every_enum_is_here() -> None:
    classes = [getattr(models, name) for name in models.__all__]
    assert set(ENUMS.values()) == {cls for cls in classes if issubclass(cls, OpenStrEnum)}


@EVERY
def test_members_are_those_of_the_schema(name: str) -> None:
    assert [member.value for member in ENUMS[name]] == schemas("string")[name]["enum"]
    assert [member.name for member in ENUMS[name]] == schemas("string")[name]["enum"]


@EVERY
@SETTINGS
@given(text=st.text())
def test_any_string(name: str, text: str) -> None:
    enum = ENUMS[name]
    listed = list(enum)
    member = msgspec.json.decode(json.dumps(text).encode(), type=enum)
    assert isinstance(member, enum)
    assert member == text == member.value == str(member)
    assert enum(text) is member
    assert msgspec.json.decode(msgspec.json.encode(member), type=enum) is member
    assert pickle.loads(pickle.dumps(member)) is member  # noqa: S301
    assert copy.deepcopy(member) is member
    assert text in repr(member) or repr(text)[1:-1] in repr(member)
    assert list(enum) == listed


@SETTINGS
@given(category=st.none() | st.text(), subtype=st.none() | st.text())
def test_in_a_model(category: str | None, subtype: str | None) -> None:
    value = {"id": "10378.1/1", "item_category": category, "item_subtype": subtype}
    assert LineageNode.from_dict(value).to_dict() == value


@pytest.mark.parametrize("value", [1, 1.5, True, [], {}])
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, ItemSubType)
