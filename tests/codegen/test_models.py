from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import attrs
import msgspec
import pytest

COPIES: dict[str, Callable[[Any], Any]] = {
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),  # noqa: S301 (our own bytes)
    "from_dict": lambda value: type(value).from_dict(value.to_dict()),
    "JSON": lambda value: msgspec.json.decode(msgspec.json.encode(value), type=type(value)),
}

FULL = {
    "name": "box",
    "type": "square",
    "labels": {"red": 1, "blue": None},
    "sides": 4,
    "tags": ["a"],
    "made_at": "2026-01-02T03:04:05Z",
    "size": 7,
    "corners": [{"x": 1}, {"x": 2}],
    "anything": {"deep": [1, None]},
    "visible": False,
    "weight": 2.5,
    "unit": None,
    "look": "square",
    "password": "hunter2",
    "key": "k3y",
}


@pytest.fixture
def models(compiled: Callable[[str], ModuleType]) -> Any:
    return compiled("shapes").models


@pytest.fixture
def types(compiled: Callable[[str], ModuleType]) -> Any:
    return compiled("shapes").types


def test_a_full_dictionary_round_trips(models: Any) -> None:
    assert models.Shape.from_dict(FULL).to_dict() == FULL


def test_absent_properties_are_none_or_their_default(models: Any) -> None:
    shape = models.Shape.from_dict({"name": "box", "type": "square"})
    assert attrs.asdict(shape) == {
        **dict.fromkeys(FULL),
        "name": "box",
        "type": models.Kind.SQUARE,
        "visible": True,
        "weight": 1.5,
        "unit": "cm",
        "look": models.Kind.ROUND,
    }
    assert shape == models.Shape("box", models.Kind.SQUARE)


@pytest.mark.parametrize("name", ["labels", "sides", "tags", "made_at", "corners", "key"])
def test_null_is_the_same_as_absence(models: Any, name: str) -> None:
    bare = {"name": "box", "type": "square"}
    with_null = models.Shape.from_dict({**bare, name: None})
    assert getattr(with_null, name) is None
    assert with_null == models.Shape.from_dict(bare)


def test_null_replaces_a_default_where_the_document_allows_null(models: Any) -> None:
    assert models.Shape.from_dict({"name": "b", "type": "round", "unit": None}).unit is None
    with pytest.raises(msgspec.ValidationError, match=r"Expected `bool`, got `null`.*\$\.visible"):
        models.Shape.from_dict({"name": "b", "type": "round", "visible": None})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sides": "four"}, "Expected `int | null`, got `str` - at `$.sides`"),
        ({"corners": [{"x": 1}, {"x": "1"}]}, "Expected `int`, got `str` - at `$.corners[1].x`"),
        ({"corners": [{}]}, "missing required field `x` - at `$.corners[0]`"),
        ({"labels": {"red": 1.5}}, "Expected `int | null`, got `float` - at `$.labels[...]`"),
        ({"made_at": "yesterday"}, "Invalid RFC3339 encoded datetime - at `$.made_at`"),
        ({"type": 1}, "Expected `str`, got `int` - at `$.type`"),
    ],
)
def test_an_error_names_the_path_of_a_wrong_value(
    models: Any, change: dict[str, object], message: str
) -> None:
    with pytest.raises(msgspec.ValidationError, match=re.escape(message)):
        models.Shape.from_dict({**FULL, **change})


def test_a_missing_required_property_is_an_error(models: Any) -> None:
    with pytest.raises(msgspec.ValidationError, match="missing required field `type`"):
        models.Shape.from_dict({"name": "box"})


def test_unknown_properties_are_ignored(models: Any) -> None:
    newer = {**FULL, "colour": "red", "corners": [{"x": 1, "y": 2}]}
    shape = models.Shape.from_dict(newer)
    assert shape.to_dict() == {**FULL, "corners": [{"x": 1}]}


@pytest.mark.parametrize("method", COPIES)
def test_a_copy_is_equal_and_independent(models: Any, method: str) -> None:
    shape = models.Shape.from_dict(FULL)
    twin = COPIES[method](shape)
    assert twin == shape
    assert twin is not shape
    twin.name = "ball"
    assert twin != shape
    assert shape.name == "box"


def test_a_map_and_its_values_may_be_null(models: Any) -> None:
    shape = models.Shape("box", models.Kind.ROUND, labels={"red": None, "blue": 3})
    assert shape.to_dict()["labels"] == {"red": None, "blue": 3}
    assert models.Shape.from_dict({**FULL, "labels": {}}).labels == {}
    assert models.Shape.from_dict({**FULL, "labels": None}).labels is None


def test_a_map_has_no_class(models: Any) -> None:
    assert not hasattr(models, "Labels")


def test_the_repr_is_readable(models: Any) -> None:
    assert repr(models.Corner(3)) == "Corner(x=3)"
    shape = repr(models.Shape("box", models.Kind("oval"), sides=4))
    assert shape.startswith("Shape(name='box', type=<Kind.oval: 'oval'>, labels=None, sides=4,")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Shape", FULL),
        # In the document, the secret is behind a reference and a union with null, …
        ("Shape", {"name": "box", "type": "round", "key": "hunter2"}),
        # … and in another part of the model.
        ("Account", {"pin": "hunter2"}),
    ],
)
def test_secrets_are_not_in_the_repr(models: Any, name: str, values: dict[str, Any]) -> None:
    model = getattr(models, name).from_dict(values)
    assert "hunter2" in str(model.to_dict())
    assert "hunter2" not in repr(model)
    assert "hunter2" not in repr([model])


def test_limits_are_in_the_metadata_of_the_attributes(models: Any, types: Any) -> None:
    limits = {
        f"{model.__name__}.{attribute.name}": attribute.metadata[types.LIMITS]
        for model in (models.Shape, models.Account)
        for attribute in attrs.fields(model)
        if attribute.metadata
    }
    assert limits == {
        "Shape.name": msgspec.Meta(min_length=1, max_length=20, pattern='^[a-z "]+$'),
        "Shape.sides": msgspec.Meta(ge=0, lt=1000),
        "Shape.tags": msgspec.Meta(min_length=1, max_length=3),
        "Shape.size": msgspec.Meta(ge=1),
        "Shape.weight": msgspec.Meta(multiple_of=0.5),
        "Account.pin": msgspec.Meta(min_length=4),
        "Account.age": msgspec.Meta(ge=18),
    }


def test_a_name_that_ends_in_none_does_not_make_a_property_nullable(models: Any) -> None:
    assert models.Choice().choice is None
    assert models.Choice.from_dict({"choice": None}).choice is None
    assert models.Choice.from_dict({"choice": {"all": True}}).choice == models.AllOrNone(all=True)
