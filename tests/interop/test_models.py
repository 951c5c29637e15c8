"""Our models compared with the pydantic models that Provena publishes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pydantic
import pytest
from api_document import load, validator
from hypothesis import given, settings
from hypothesis import strategies as st
from interop.published import ENUM_PAIRS, PAIRS, WITHOUT_COUNTERPART
from interop.valid import fixed, valid_values
from properties.models import MODELS, SETTINGS, schemas

from prov_api_client import models

pytestmark = pytest.mark.interop

EVERY = pytest.mark.parametrize("name", PAIRS)


def test_every_schema_is_in_exactly_one_list() -> None:
    lists = [*PAIRS, *ENUM_PAIRS, *WITHOUT_COUNTERPART]
    assert sorted(lists) == sorted(load()["components"]["schemas"])


@EVERY
def test_fields_agree(name: str) -> None:
    published = PAIRS[name].model_fields
    schema = schemas("object")[name]
    assert published.keys() == schema["properties"].keys()
    required = {field for field, info in published.items() if info.is_required()}
    assert required == set(schema.get("required", ()))


@EVERY
def test_defaults_agree(name: str) -> None:
    for field, info in PAIRS[name].model_fields.items():
        if not info.is_required():
            default = schemas("object")[name]["properties"][field].get("default")
            assert info.default == default


@EVERY
def test_nullability_agrees(name: str) -> None:
    """The same fields are nullable in both."""
    published = PAIRS[name].model_json_schema()["properties"]
    ours = schemas("object")[name]["properties"]
    for field in ours:
        assert takes_null(published[field]) is takes_null(ours[field]), field


def takes_null(schema: dict[str, Any]) -> bool:
    kinds = schema.get("type", [])
    return "null" in ([kinds] if isinstance(kinds, str) else kinds) or any(
        map(takes_null, schema.get("anyOf", ()))
    )


@EVERY
@SETTINGS
@given(data=st.data())
def test_models_round_trip(name: str, data: st.DataObject) -> None:
    ours = MODELS[name].from_dict(data.draw(valid_values(name)))
    encoded = msgspec.json.encode(ours)

    theirs = PAIRS[name].model_validate_json(encoded)
    written = theirs.model_dump_json().encode()

    assert json.loads(written) == json.loads(encoded)
    assert msgspec.json.decode(written, type=MODELS[name]) == ours


@EVERY
@SETTINGS
@given(data=st.data())
def test_unset_fields_may_be_omitted(name: str, data: st.DataObject) -> None:
    theirs = PAIRS[name].model_validate(data.draw(valid_values(name)))
    ours = MODELS[name].from_dict(theirs.model_dump(mode="json", exclude_none=True))
    assert ours.to_dict() == theirs.model_dump(mode="json")


@pytest.mark.parametrize("name", ENUM_PAIRS)
def test_enums_agree(name: str) -> None:
    ours = {member.name: member.value for member in getattr(models, name)}
    assert ours == {member.name: member.value for member in ENUM_PAIRS[name]}


@pytest.mark.parametrize(
    ("name", "field", "valid", "invalid"),
    [
        ("GenerateReportRequest", "depth", [1, 3], [0, 4]),
        ("ModelRunRecord", "display_name", [" "], [""]),
        ("ModelRunRecord", "description", [" "], [""]),
    ],
)
@settings(SETTINGS, max_examples=5)
@given(data=st.data())
def test_limits_agree(
    name: str, field: str, valid: list[Any], invalid: list[Any], data: st.DataObject
) -> None:
    value = data.draw(valid_values(name))
    check = validator(schemas("object")[name])
    for accepted in valid:
        assert check.is_valid({**value, field: accepted})
        PAIRS[name].model_validate({**value, field: accepted})
    for rejected in invalid:
        assert not check.is_valid({**value, field: rejected})
        with pytest.raises(pydantic.ValidationError):
            PAIRS[name].model_validate({**value, field: rejected})


ENTRY = {"id": 0, "timestamp": 0, "reason": "", "username": ""}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("ModelRunRecord", lambda value: {**value, "start_time": 2, "end_time": 1}),
        ("VersioningInfo", lambda _: {"version": 2, "previous_version": "10378.1/2"}),
        (
            "ItemModelRun",
            lambda value: {
                **value,
                "history": [{**ENTRY, "item": value}, {**ENTRY, "item": value}],
            },
        ),
    ],
)
@settings(SETTINGS, max_examples=5)
@given(data=st.data())
def test_only_the_published_models_check_rules_outside_the_schemas(
    name: str, change: Callable[[Any], Any], data: st.DataObject
) -> None:
    """Ours accept everything that the server sends."""
    value = change(data.draw(valid_values(name)))
    with pytest.raises(pydantic.ValidationError, match="1 validation error"):
        PAIRS[name].model_validate(value)
    MODELS[name].from_dict(value)
    PAIRS[name].model_validate(fixed(value))
