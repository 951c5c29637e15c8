"""The facade accepts pydantic models in place of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from api_document import DOCX, example_value, operations
from hypothesis import given, settings
from hypothesis import strategies as st
from interop.published import PAIRS
from interop.valid import valid_values
from properties.models import MODELS, SETTINGS

from prov_facade import BearerToken, Config, InvalidRequestError, ProvClient

pytestmark = pytest.mark.interop

Call = Callable[[ProvClient, Any], Awaitable[object]]

# Each call that takes a model, with the schema of the model.
CALLS: dict[str, tuple[str, Call]] = {
    "register_model_run": ("ModelRunRecord", lambda c, m: c.register_model_run(m)),
    "register_batch_model_runs": (
        "RegisterBatchModelRunRequest",
        lambda c, m: c.register_batch_model_runs(m),
    ),
    "register_model_run_sync": (
        "ModelRunRecord",
        lambda c, m: c.admin.register_model_run_sync(m),
    ),
    "post_update_model_run": (
        "ModelRunRecord",
        lambda c, m: c.post_update_model_run("10378.1/2", "a reason", m),
    ),
    "generate_report": ("GenerateReportRequest", lambda c, m: c.generate_report(m)),
    "store_record": ("ItemModelRun", lambda c, m: c.admin.store_record(m)),
    "store_multiple_records": (
        "ItemModelRun",
        lambda c, m: c.admin.store_multiple_records([m, m]),
    ),
}
EVERY = pytest.mark.parametrize("operation_id", CALLS)


def respond(operation_id: str) -> httpx.Response:
    """Return the first example of the document as a response."""
    content = operations()[operation_id].responses["200"]["content"]
    media_type = DOCX if DOCX in content else "application/json"
    value = example_value(next(iter(content[media_type]["examples"].values())))
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return httpx.Response(200, headers={"content-type": media_type}, content=body)


def sent(operation_id: str, model: object) -> Any:
    """Call an operation with a model, and return the JSON that it sends."""
    bodies: list[bytes] = []

    def handle(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return respond(operation_id)

    async def run() -> None:
        transport = httpx.MockTransport(handle)
        auth, config = BearerToken("token"), Config("example.org", "provena")
        async with ProvClient(auth, config, transport=transport) as client:
            await CALLS[operation_id][1](client, model)

    asyncio.run(run())
    (body,) = bodies
    return json.loads(body)


def test_every_call_with_a_model_is_covered() -> None:
    with_json = {
        operation_id
        for operation_id, operation in operations().items()
        if operation.request_body and "application/json" in operation.request_body["content"]
    }
    # delete_model_run_provenance takes the fields of its body as separate arguments.
    assert CALLS.keys() == with_json - {"delete_model_run_provenance"}


@EVERY
@settings(SETTINGS, max_examples=10)
@given(data=st.data())
def test_pydantic_and_attrs_models_send_the_same_body(
    operation_id: str, data: st.DataObject
) -> None:
    name = CALLS[operation_id][0]
    value = data.draw(valid_values(name))
    ours = MODELS[name].from_dict(value)
    theirs = PAIRS[name].model_validate(value)
    assert sent(operation_id, theirs) == sent(operation_id, ours) == sent(operation_id, value)


@settings(SETTINGS, max_examples=5)
@given(value=valid_values("ModelRunRecord"))
def test_pydantic_models_are_accepted_inside_mappings_and_models(value: dict[str, Any]) -> None:
    ours = MODELS["ModelRunRecord"].from_dict(value)
    theirs = PAIRS["ModelRunRecord"].model_validate(value)
    mixed = {"records": [theirs, ours, value]}
    model = MODELS["RegisterBatchModelRunRequest"](records=[theirs, ours, value])  # type: ignore[call-arg]
    found = sent("register_batch_model_runs", mixed)
    assert found == sent("register_batch_model_runs", model)
    assert found["records"] == [ours.to_dict()] * 3


def test_pydantic_models_are_validated() -> None:
    request = PAIRS["GenerateReportRequest"](id="10378.1/2", item_subtype="STUDY", depth=1)
    assert sent("generate_report", request)["depth"] == 1
    request.depth = 9
    with pytest.raises(InvalidRequestError, match="depth"):
        sent("generate_report", request)
