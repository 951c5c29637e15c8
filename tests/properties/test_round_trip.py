"""Values of every schema, through the models and back."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any, cast

import attrs
import msgspec
import pytest
from api_document import load, validator
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from properties.models import MODELS, SETTINGS, schemas
from properties.strategies import ANYTHING, TEXT, canonical, model_values

from prov_api_client import models
from prov_api_client.models import User
from prov_api_client.types import LIMITS, Model

EVERY = pytest.mark.parametrize("name", MODELS)

# Optional without a default and not nullable, as the server describes it. A client reads it as
# None, and never sends it.
READ_ONLY = {"HTTPValidationError"}


def decoded(name: str, value: Any) -> Model:
    return msgspec.json.decode(json.dumps(value).encode(), type=MODELS[name])


def test_every_class_is_here() -> None:
    classes = {getattr(models, name) for name in models.__all__}
    assert set(MODELS.values()) == {
        cls for cls in classes if isinstance(cls, type) and issubclass(cls, Model)
    }


@EVERY
def test_fields_are_those_of_the_schema(name: str) -> None:
    fields = attrs.fields(cast("Any", MODELS[name]))
    assert {field.name for field in fields} == schemas("object")[name]["properties"].keys()


@EVERY
def test_limits_are_those_of_the_schema(name: str) -> None:
    for field in attrs.fields(cast("Any", MODELS[name])):
        prop = schemas("object")[name]["properties"][field.name]
        limits = field.metadata.get(LIMITS, msgspec.Meta())
        assert (limits.ge, limits.le) == (prop.get("minimum"), prop.get("maximum"))
        assert limits.min_length == prop.get("minLength")


@EVERY
@SETTINGS
@given(data=st.data())
def test_there_and_back(name: str, data: st.DataObject) -> None:
    value = data.draw(model_values(name))
    schema = schemas("object")[name]
    model = decoded(name, value)
    encoded = msgspec.json.encode(model)
    written = json.loads(encoded)

    assert msgspec.json.decode(encoded, type=MODELS[name]) == model
    assert written.keys() == schema["properties"].keys()
    assert canonical(schema, written) == canonical(schema, value)
    if name in READ_ONLY:
        written = canonical(schema, written)
    validator(schema).validate(written)

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
def test_null_is_like_absence(name: str, data: st.DataObject) -> None:
    value = data.draw(model_values(name))
    schema = schemas("object")[name]
    optional = schema["properties"].keys() - set(schema.get("required", ()))
    optional = {field for field in optional if "default" not in schema["properties"][field]}
    absent = {key: item for key, item in value.items() if key not in optional}
    null = absent | dict.fromkeys(optional)
    assert decoded(name, null) == decoded(name, absent)
    if name not in READ_ONLY:
        validator(schema).validate(null)


@EVERY
@settings(SETTINGS, max_examples=10)
@given(data=st.data(), field=TEXT, further=ANYTHING)
def test_fields_of_a_newer_server_are_dropped(
    name: str, data: st.DataObject, field: str, further: Any
) -> None:
    assume(field not in schemas("object")[name]["properties"])
    value = data.draw(model_values(name))
    assert decoded(name, {field: further, **value}) == decoded(name, value)


@SETTINGS
@given(value=model_values("User"), token=st.uuids().map(str))
def test_the_token_is_not_shown(value: dict[str, Any], token: str) -> None:
    user = User.from_dict(value | {"access_token": token})
    assert user.access_token == token
    for shown in (repr(user), str(user), f"{user}", f"{[user]}"):
        assert token not in shown
        assert "access_token" not in shown


def test_secrets_of_the_document_are_known() -> None:
    secret = [
        f"{name}.{field}"
        for name, schema in load()["components"]["schemas"].items()
        for field, prop in schema.get("properties", {}).items()
        if prop.get("format") == "password"
    ]
    assert secret == ["User.access_token"]
