"""Values of every schema survive decoding and encoding."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest
from api_document import load, validator
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from properties.models import EVERY_MODEL, PACKAGES, READ_ONLY, SETTINGS, Compiled, classes
from properties.strategies import ANYTHING, TEXT, canonical, model_values

from prov_api_client.models import User
from prov_api_client.types import LIMITS, Model

EVERY = pytest.mark.parametrize("compiled", EVERY_MODEL, ids=str)


def decoded(compiled: Compiled, value: Any) -> Model:
    model: Model = msgspec.json.decode(json.dumps(value).encode(), type=compiled.cls)
    return model


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: path.stem)
def test_every_class_is_covered(path: Path) -> None:
    ours = {compiled.cls for compiled in EVERY_MODEL if compiled.path == path}
    assert ours == classes(path, Model)


@EVERY
def test_fields_match_the_schema(compiled: Compiled) -> None:
    fields = attrs.fields(compiled.cls)
    assert {field.name for field in fields} == compiled.schema["properties"].keys()


@EVERY
def test_limits_match_the_schema(compiled: Compiled) -> None:
    for field in attrs.fields(compiled.cls):
        prop = compiled.schema["properties"][field.name]
        limits = field.metadata.get(LIMITS, msgspec.Meta())
        assert (limits.ge, limits.le) == (prop.get("minimum"), prop.get("maximum"))
        assert limits.min_length == prop.get("minLength")


@EVERY
@SETTINGS
@given(data=st.data())
def test_models_round_trip(compiled: Compiled, data: st.DataObject) -> None:
    value = data.draw(model_values(compiled.name, compiled.path))
    schema, document = compiled.schema, compiled.document
    model = decoded(compiled, value)
    encoded = msgspec.json.encode(model)
    written = json.loads(encoded)

    assert msgspec.json.decode(encoded, type=compiled.cls) == model
    assert written.keys() == schema["properties"].keys()
    assert canonical(schema, written, document) == canonical(schema, value, document)
    if compiled.name in READ_ONLY:
        written = canonical(schema, written, document)
    validator(schema, document).validate(written)

    assert model.to_dict() == json.loads(encoded)
    assert type(model).from_dict(model.to_dict()) == model
    assert pickle.loads(pickle.dumps(model)) == model  # noqa: S301
    copied = copy.deepcopy(model)
    assert copied == model
    assert copied is not model
    assert repr(model).startswith(type(model).__name__)


@EVERY
@settings(SETTINGS, max_examples=10)
@given(data=st.data())
def test_null_equals_absence(compiled: Compiled, data: st.DataObject) -> None:
    value = data.draw(model_values(compiled.name, compiled.path))
    schema = compiled.schema
    optional = schema["properties"].keys() - set(schema.get("required", ()))
    optional = {field for field in optional if "default" not in schema["properties"][field]}
    absent = {key: item for key, item in value.items() if key not in optional}
    null = absent | dict.fromkeys(optional)
    assert decoded(compiled, null) == decoded(compiled, absent)
    if compiled.name not in READ_ONLY:
        validator(schema, compiled.document).validate(null)


@EVERY
@settings(SETTINGS, max_examples=10)
@given(data=st.data(), field=TEXT, further=ANYTHING)
def test_unknown_fields_are_ignored(
    compiled: Compiled, data: st.DataObject, field: str, further: Any
) -> None:
    assume(field not in compiled.schema["properties"])
    value = data.draw(model_values(compiled.name, compiled.path))
    assert decoded(compiled, {field: further, **value}) == decoded(compiled, value)


@SETTINGS
@given(value=model_values("User"), token=st.uuids().map(str))
def test_a_repr_does_not_show_the_token(value: dict[str, Any], token: str) -> None:
    user = User.from_dict(value | {"access_token": token})
    assert user.access_token == token
    for shown in (repr(user), str(user), f"{user}", f"{[user]}"):
        assert token not in shown
        assert "access_token" not in shown


def test_secret_fields_of_the_documents_are_known() -> None:
    secret = [
        f"{name}.{field}"
        for path in PACKAGES
        for name, schema in load(path)["components"]["schemas"].items()
        for field, prop in schema.get("properties", {}).items()
        if prop.get("format") == "password"
    ]
    assert secret == ["User.access_token"]
