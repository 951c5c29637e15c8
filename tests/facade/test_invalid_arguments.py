from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from clients import failure
from facade.forms import PydanticRecord
from sample_calls import DATASET, ITEM, RECORD, REPORT, Call
from scripted_server import Server

from prov_facade import InvalidRequestError, ModelLike, ProvClient, models


def record_with(**changes: Any) -> Call:
    return lambda client: client.register_model_run({**RECORD, **changes})


def cyclic_list() -> list[Any]:
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    return cyclic


def _depth(value: Any) -> Call:
    return lambda client: client.explore_upstream("1", value)


def _start(value: Any) -> Call:
    return lambda client: client.explore_downstream(value)


def _report(**changes: Any) -> Call:
    return lambda client: client.generate_report({**REPORT, **changes})


def _record(value: Any) -> Call:
    return lambda client: client.register_model_run(value)


INVALID: dict[str, tuple[Call, str]] = {
    "misspelt": (record_with(studyid="1"), "$"),
    "misspelt within": (record_with(inputs=[{**DATASET, "resource": {}}]), "$.inputs[0]"),
    "missing": (_record({k: v for k, v in RECORD.items() if k != "inputs"}), "$"),
    "type": (record_with(inputs=[{**DATASET, "dataset_id": 7}]), "$.inputs[0].dataset_id"),
    "null": (record_with(display_name=None), "$.display_name"),
    "number as text": (record_with(start_time="1700000000"), "$.start_time"),
    "bool as number": (record_with(start_time=True), "$.start_time"),
    "fraction": (record_with(start_time=1.5), "$.start_time"),
    "bytes": (record_with(display_name=b"Run"), "$.display_name"),
    "byte array": (record_with(display_name=bytearray(b"Run")), "$.display_name"),
    "annotation": (record_with(annotations={"a": 1}), "$.annotations[...]"),
    "list for object": (_record([RECORD]), "$"),
    "text for object": (_record("{}"), "$"),
    "nothing": (_record(None), "$"),
    "class": (_record(PydanticRecord), "$"),
    "another model": (_record(models.Status(success=True, details="")), "$"),
    "empty name": (record_with(display_name=""), "$.display_name"),
    "empty description": (record_with(description=""), "$.description"),
    "report too deep": (_report(depth=4), "$.depth"),
    "report too shallow": (_report(depth=0), "$.depth"),
    "nan": (record_with(start_time=float("nan")), "$.start_time"),
    "nan for nothing": (record_with(study_id=float("nan")), "$.study_id"),
    "infinite": (record_with(end_time=float("inf")), "$.end_time"),
    "surrogate": (record_with(display_name="a\ud800"), "$"),
    "surrogate key": (record_with(annotations={"\udfff": "x"}), "$"),
    "cycle": (record_with(inputs=cyclic_list()), "$"),
    "object": (record_with(associations=object()), "$"),
    "object key": (record_with(annotations={("a", "b"): "x"}), "$"),
    "number key": (record_with(annotations={3: "b"}), "$.annotations"),
    "equal keys": (record_with(annotations={"3": "a", 3: "b"}), "$.annotations"),
    "nan key": (record_with(annotations={float("nan"): "x"}), "$.annotations"),
    "decimal key": (record_with(annotations={Decimal(3): "x"}), "$.annotations"),
    "decimal": (record_with(annotations={"a": Decimal("1.5")}), "$.annotations[...]"),
    "decimal nan": (record_with(description=Decimal("NaN")), "$.description"),
    "function": (record_with(description=len), "$"),
    "huge": (record_with(start_time=10**5_000), "$"),
    "in update": (
        lambda c: c.post_update_model_run("1", "why", {**RECORD, "inputs": [{}]}),
        "$.record.inputs[0]",
    ),
    "in batch": (
        lambda c: c.register_batch_model_runs({"records": [RECORD, {**RECORD, "end_time": ""}]}),
        "$.records[1].end_time",
    ),
    "in a list": (
        lambda c: c.admin.store_multiple_records(iter([ITEM, {**ITEM, "id": 7}])),
        "$[1].id",
    ),
    "in an item": (
        lambda c: c.admin.store_record({**ITEM, "record": {**RECORD, "nme": ""}}),
        "$.record",
    ),
    "id": (_start(7), "$.starting_id"),
    "id of bytes": (_start(b"10378.1/40"), "$.starting_id"),
    "no id": (_start(None), "$.starting_id"),
    "id with surrogate": (_start("\ud800"), "$"),
    "id of object": (_start(object()), "$"),
    "id too long": (_start("x" * 70_000), "$"),
    "depth as text": (_depth("3"), "$.depth"),
    "depth as bool": (_depth(True), "$.depth"),
    "depth as fraction": (_depth(2.5), "$.depth"),
    "depth as nan": (_depth(float("nan")), "$.depth"),
    "depth of zero": (_depth(0), "$.depth"),
    "negative depth": (_depth(-1), "$.depth"),
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_argument_is_rejected_and_nothing_is_sent(
    name: str, server: Server, client: ProvClient
) -> None:
    call, path = INVALID[name]
    error = failure(InvalidRequestError, call(client))
    assert isinstance(error, ValueError)
    assert error.path == path
    assert "nothing was sent" in str(error)
    assert path == "$" or path in str(error)
    assert error.operation is not None
    assert error.operation in str(error)
    assert error.response is None
    assert not server.received
    assert not server.opened


def test_the_error_names_the_invalid_value(client: ProvClient) -> None:
    for name, words in {
        "misspelt": "studyid",
        "missing": "inputs",
        "object": "object",
        "class": "ModelMetaclass",
        "type": "Expected `str`, got `int`",
        "equal keys": "Expected `str`, got `int`, at a key of $.annotations",
        "nan key": "Expected `str`, got `float`, at a key of $.annotations",
    }.items():
        error = failure(InvalidRequestError, INVALID[name][0](client))
        assert words in str(error)


def test_an_error_in_a_generator_argument_propagates(server: Server, client: ProvClient) -> None:
    def broken() -> Iterator[ModelLike]:
        yield ITEM
        raise KeyError("mine")

    failure(KeyError, client.admin.store_multiple_records(broken()))
    assert not server.received
