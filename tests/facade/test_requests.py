from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from clients import failure, run
from sample_calls import ITEM, RECORD, REPORT, SAMPLES, Call
from scripted_server import Server

from prov_api_client import OPERATIONS
from prov_facade import ConfigError, ProvClient

# What every argument becomes on the wire: the query, and the body.
FULLEST: dict[str, tuple[Call, dict[str, str], object]] = {
    "explore_upstream": (
        lambda c: c.explore_upstream("1", 10),
        {"starting_id": "1", "depth": "10"},
        None,
    ),
    "explore_downstream": (
        lambda c: c.explore_downstream("1", depth=2),
        {"starting_id": "1", "depth": "2"},
        None,
    ),
    "get_contributing_datasets": (
        lambda c: c.get_contributing_datasets("1", 3),
        {"starting_id": "1", "depth": "3"},
        None,
    ),
    "get_effected_datasets": (
        lambda c: c.get_effected_datasets("1", 4),
        {"starting_id": "1", "depth": "4"},
        None,
    ),
    "get_contributing_agents": (
        lambda c: c.get_contributing_agents(starting_id="1", depth=5),
        {"starting_id": "1", "depth": "5"},
        None,
    ),
    "get_effected_agents": (
        lambda c: c.get_effected_agents("1", 6),
        {"starting_id": "1", "depth": "6"},
        None,
    ),
    "generate_csv_template": (
        lambda c: c.generate_csv_template("10378.1/10"),
        {"workflow_template_id": "10378.1/10"},
        None,
    ),
    "regenerate_csv_from_model_run_batch": (
        lambda c: c.regenerate_csv_from_model_run_batch("b-7"),
        {"batch_id": "b-7"},
        None,
    ),
    "link_model_run_to_study": (
        lambda c: c.link_model_run_to_study("run", "study"),
        {"model_run_id": "run", "study_id": "study"},
        None,
    ),
    "post_update_model_run": (
        lambda c: c.post_update_model_run("run", "why", RECORD),
        {},
        {"model_run_id": "run", "reason": "why", "record": RECORD},
    ),
    "generate_report": (lambda c: c.generate_report(REPORT), {}, REPORT),
    "generate_config_file": (
        lambda c: c.admin.generate_config_file(False),
        {"required_only": "false"},
        None,
    ),
    "store_record": (
        lambda c: c.admin.store_record(ITEM, False),
        {"validate_record": "false"},
        ITEM,
    ),
    "store_multiple_records": (
        lambda c: c.admin.store_multiple_records([ITEM, ITEM], False),
        {"validate_record": "false"},
        [ITEM, ITEM],
    ),
    "store_all_registry_records": (
        lambda c: c.admin.store_all_registry_records(False),
        {"validate_record": "false"},
        None,
    ),
    "delete_model_run_provenance": (
        lambda c: c.admin.delete_model_run_provenance("run", True),
        {},
        {"record_id": "run", "trial_mode": True},
    ),
}
DEFAULTS: dict[str, tuple[dict[str, str], object]] = {
    "explore_upstream": ({"starting_id": "1"}, None),
    "get_effected_agents": ({"starting_id": "1"}, None),
    "generate_config_file": ({"required_only": "true"}, None),
    "store_record": ({"validate_record": "true"}, ITEM),
    "store_multiple_records": ({"validate_record": "true"}, [ITEM]),
    "store_all_registry_records": ({"validate_record": "true"}, None),
    "delete_model_run_provenance": ({}, {"record_id": "10378.1/40", "trial_mode": False}),
}


def holds(found: Any, expected: Any) -> bool:
    """Whether a body holds what it should; the rest must be null, or a default of the model."""
    if isinstance(expected, dict):
        return expected.keys() <= found.keys() and all(
            holds(value, expected[key])
            if key in expected
            else value in (None, "ACTIVITY", "MODEL_RUN")
            for key, value in found.items()
        )
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(holds, found, expected))
    return bool(found == expected)


@pytest.mark.parametrize("name", FULLEST)
def test_every_argument_arrives(name: str, server: Server, client: ProvClient) -> None:
    call, query, body = FULLEST[name]
    server.answer = SAMPLES[name].reply
    run(call(client))
    assert server.last.query == query
    assert holds(server.last.json, body) if body is not None else not server.last.body


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_defaults_arrive(name: str, server: Server, client: ProvClient) -> None:
    query, body = DEFAULTS[name]
    server.answer = SAMPLES[name].reply
    run(SAMPLES[name].call(client))
    assert server.last.query == query
    assert holds(server.last.json, body) if body is not None else not server.last.body


class Impatient:
    """A client, or its admin, whose every call has no time at all, which is refused."""

    def __init__(self, target: object) -> None:
        self.target = target

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(getattr(self.target, name), timeout=0)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_method_heeds_its_timeout(name: str, server: Server, client: ProvClient) -> None:
    impatient: Any = Impatient(client)
    impatient.admin = Impatient(client.admin)
    failure(ConfigError, SAMPLES[name].call(impatient))
    assert not server.opened


def test_no_request_offers_more_than_it_must(server: Server, client: ProvClient) -> None:
    server.answer = SAMPLES["explore_upstream"].reply
    run(client.explore_upstream("1"))
    expected = {"host", "accept", "accept-encoding", "connection", "user-agent", "authorization"}
    assert set(server.last.headers) == expected
