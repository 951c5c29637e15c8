from __future__ import annotations

import collections
import copy
from collections.abc import Callable
from typing import Any

import pytest
from api_document import without_nulls
from clients import run
from facade.forms import FORMS, Handle, Text, Whole, mixed, model
from sample_calls import ITEM, RECORD, REPORT, SAMPLES, STATUS
from scripted_server import Server, json_reply

from prov_facade import ModelLike, ProvClient, models


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_of_a_model_argument_send_the_same_body(
    form: str, server: Server, client: ProvClient
) -> None:
    server.response = SAMPLES["register_model_run"].reply
    run(client.register_model_run(FORMS[form]()))
    assert without_nulls(server.last.json) == RECORD
    assert server.last.headers["content-type"] == "application/json"


def test_nested_models_take_any_form(server: Server, client: ProvClient) -> None:
    server.response = SAMPLES["register_batch_model_runs"].reply
    for records in ([RECORD], (FORMS["pydantic"](), model()), iter([model(), mixed()])):
        run(client.register_batch_model_runs({"records": records}))
        assert all(without_nulls(record) == RECORD for record in server.last.json["records"])
    batch = models.RegisterBatchModelRunRequest(records=[model()])
    run(client.register_batch_model_runs(batch))
    assert without_nulls(server.last.json) == {"records": [RECORD]}
    server.response = SAMPLES["post_update_model_run"].reply
    for form in FORMS.values():
        run(client.post_update_model_run("10378.1/40", "typo", form()))
        assert without_nulls(server.last.json) == {
            "model_run_id": "10378.1/40",
            "reason": "typo",
            "record": RECORD,
        }


@pytest.mark.parametrize(
    "several",
    [
        list,
        tuple,
        iter,
        collections.deque,
        lambda x: (i for i in x),
        lambda x: dict(enumerate(x)).values(),
    ],
    ids=["list", "tuple", "iterator", "deque", "generator", "dict_values"],
)
def test_records_can_be_any_iterable(
    several: Callable[[list[ModelLike]], Any], server: Server, client: ProvClient
) -> None:
    server.response = json_reply({"status": STATUS})
    run(client.admin.store_multiple_records(several([ITEM])))
    (item,) = server.last.json
    # The model's defaults equal the server's, and are sent.
    kinds = {"item_category": "ACTIVITY", "item_subtype": "MODEL_RUN"}
    assert without_nulls(item) == {**ITEM, **kinds}
    assert server.last.query == {"validate_record": "true"}


def test_query_arguments_are_formatted_for_the_server(server: Server, client: ProvClient) -> None:
    server.response = lambda r: (
        SAMPLES["explore_upstream" if "explore" in r.path else "generate_config_file"].reply
    )
    cases: list[tuple[Any, Any, dict[str, str]]] = [
        ("10378.1/40", None, {"starting_id": "10378.1/40"}),
        ("a b&c=d+é%#", 3, {"starting_id": "a b&c=d+é%#", "depth": "3"}),
        (Handle.RUN, Whole(4), {"starting_id": "10378.1/40", "depth": "4"}),
        # The maximum is a setting of the deployment, so the server decides.
        (Text("x"), 1000, {"starting_id": "x", "depth": "1000"}),
    ]
    for starting_id, depth, expected in cases:
        run(client.explore_upstream(starting_id, depth))
        assert server.last.query == expected
    for required, spelt in ((True, "true"), (False, "false")):
        run(client.admin.generate_config_file(required))
        assert server.last.query == {"required_only": spelt}


def test_an_unknown_enum_value_is_sent(server: Server, client: ProvClient) -> None:
    server.response = SAMPLES["generate_report"].reply
    subtype = models.ItemSubType("FUTURE_KIND")
    for request in (
        {**REPORT, "item_subtype": "FUTURE_KIND"},
        models.GenerateReportRequest(id=REPORT["id"], item_subtype=subtype, depth=1),  # type: ignore[arg-type]
    ):
        run(client.generate_report(request))
        assert server.last.json == {**REPORT, "item_subtype": "FUTURE_KIND"}


def test_arguments_are_not_modified(server: Server, client: ProvClient) -> None:
    server.response = SAMPLES["register_model_run"].reply
    for form in ("dict", "model", "mapping in a model", "pydantic", "pydantic in a mapping"):
        record = FORMS[form]()
        before = copy.deepcopy(record)
        run(client.register_model_run(record))
        assert record == before
        assert repr(record) == repr(before)
