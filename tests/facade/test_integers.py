"""Numbers such as ``1.0``, which are integers in JSON Schema."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from clients import failure, run
from jobs.replies import SESSION, job_reply, job_table
from sample_calls import ITEM, LINEAGE, RECORD, SAMPLES
from scripted_server import Server, json_reply, reply

from prov_facade import InvalidRequestError, InvalidResponseError, ProvClient, models

RESULT = {"record": {"id": "10378.1/40", "prov_json": "{}", "record": RECORD}}


class Float(float):
    """A float of another class, such as NumPy's."""


class Model:
    """An object with the method of a pydantic model."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields

    def model_dump(self, *, mode: str, exclude_none: bool) -> dict[str, Any]:  # noqa: ARG002
        return self.fields


def with_count(number: str) -> bytes:
    return reply(json.dumps({**LINEAGE, "record_count": "@"}).replace('"@"', number).encode())


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("1.0", 1),
        ("-0.0", 0),
        ("12e2", 1200),
        ("1.5E1", 15),
        ("9007199254740993.0", 9_007_199_254_740_993),
        ("1e30", 10**30),
    ],
)
def test_an_integral_number_is_an_integer_in_a_response(
    number: str, value: int, server: Server, client: ProvClient
) -> None:
    server.response = with_count(number)
    count = run(client.explore_upstream("1")).record_count
    assert (count, type(count)) == (value, int)


@pytest.mark.parametrize("number", ["1.5", "1e400", '"1"', "true"])
def test_any_other_value_is_not_an_integer(number: str, server: Server, client: ProvClient) -> None:
    server.response = with_count(number)
    failure(InvalidResponseError, client.explore_upstream("1"))


def test_integral_numbers_are_integers_in_nested_models(server: Server, client: ProvClient) -> None:
    times = {"start_time": 1.7e9, "end_time": 1_700_003_600.0}
    converted: Any = SAMPLES["convert_model_runs_to_csv"].response
    server.response = json_reply({**converted, "new_records": [RECORD, {**RECORD, **times}]})
    records = run(client.convert_model_runs_to_csv("a")).new_records or []
    assert records[0] == records[1]
    assert type(records[1].start_time) is int


def test_an_error_names_the_value_that_is_wrong(server: Server, client: ProvClient) -> None:
    server.response = job_reply("SUCCEEDED", created_timestamp=1.0, username=7)
    error = failure(InvalidResponseError, client.jobs.fetch(SESSION))
    assert error.path == "$.job.username"


def test_the_result_of_a_job_may_have_integral_numbers(server: Server, client: ProvClient) -> None:
    record = {**RECORD, "start_time": 1_700_000_000.0}
    result = {"record": {**RESULT["record"], "record": record}}
    server.response = job_reply("SUCCEEDED", created_timestamp=1.76e9, result=result)
    found = run(client.jobs.wait_for_model_run(SESSION))
    assert found.record == models.ModelRunRecord.from_dict(RECORD)


def test_values_of_any_type_stay_as_they_are(server: Server, client: ProvClient) -> None:
    server.response = job_reply("SUCCEEDED", payload={"ratio": 1.0})
    ratio = run(client.jobs.fetch(SESSION)).payload["ratio"]
    assert type(ratio) is float


def test_from_dict_accepts_integral_numbers() -> None:
    record = models.ModelRunRecord.from_dict({**RECORD, "start_time": 1_700_000_000.0})
    assert record == models.ModelRunRecord.from_dict(RECORD)
    job = models.JobStatusTable.from_dict(job_table("PENDING", created_timestamp=1.0))
    assert type(job.created_timestamp) is int
    item = models.ItemModelRun.from_dict({**ITEM, "record": {**RECORD, "end_time": 1e9}})
    assert item.record.end_time == 1_000_000_000
    with pytest.raises(msgspec.ValidationError, match=r"Expected `int`, got `float` - at `\$.st"):
        models.ModelRunRecord.from_dict({**RECORD, "start_time": 1.5})


RECORDS: list[Any] = [
    {**RECORD, "start_time": 1_700_000_000.0},
    {**RECORD, "start_time": Float(1.7e9)},
    Model({**RECORD, "start_time": 1.7e9}),
    models.ModelRunRecord(**{**RECORD, "start_time": 1.7e9}),
]


@pytest.mark.parametrize("record", RECORDS, ids=["mapping", "subclass", "pydantic", "model"])
def test_integral_numbers_are_sent_as_integers(
    record: Any, server: Server, client: ProvClient
) -> None:
    server.response = SAMPLES["register_model_run"].reply
    run(client.register_model_run(record))
    assert b'"start_time":1700000000,' in server.last.body
    server.response = SAMPLES["register_batch_model_runs"].reply
    run(client.register_batch_model_runs({"records": [RECORD, record]}))
    assert server.last.body.count(b'"start_time":1700000000,') == 2


def test_an_integral_number_in_a_query_is_sent_as_an_integer(
    server: Server, client: ProvClient
) -> None:
    server.response = json_reply(LINEAGE)
    depth: Any = 2.0
    run(client.explore_upstream("1", depth=depth))
    assert server.last.query["depth"] == "2"


@pytest.mark.parametrize("number", [1.5, float("inf"), "1.0", True])
def test_other_values_are_not_sent_as_integers(
    number: Any, server: Server, client: ProvClient
) -> None:
    record = {**RECORD, "start_time": number}
    error = failure(InvalidRequestError, client.register_model_run(record))
    assert error.path == "$.start_time"
    failure(InvalidRequestError, client.explore_upstream("1", depth=number))
    assert not server.received
