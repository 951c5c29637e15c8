from __future__ import annotations

import inspect
from typing import Any

import pytest
from clients import run
from facade.interface import ADDED_PATHS, FILE_METHODS, JOB_METHODS
from sample_calls import SAMPLES
from scripted_server import Server, json_reply

from prov_api_client import OPERATIONS
from prov_facade import ProvAdminClient, ProvAPIAdminEndpoints, ProvAPIEndpoints, ProvClient


def public_methods(client: type[Any]) -> set[str]:
    return {
        name
        for name, _ in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_") and name != "aclose"
    }


def test_operations_and_methods_correspond() -> None:
    assert not public_methods(ProvClient) & public_methods(ProvAdminClient)
    assert public_methods(ProvClient) | public_methods(ProvAdminClient) == {
        *OPERATIONS,
        *FILE_METHODS,
        *JOB_METHODS,
    }
    assert {name for name, operation in OPERATIONS.items() if name == operation.operation_id} == (
        set(OPERATIONS)
    )


def test_the_endpoints_match_the_paths_of_the_operations() -> None:
    paths = {operation.path for operation in OPERATIONS.values()}
    enums = {member.value for member in (*ProvAPIEndpoints, *ProvAPIAdminEndpoints)}
    assert enums <= paths
    assert paths - enums == ADDED_PATHS


def test_the_name_of_an_endpoint_starts_with_its_http_method() -> None:
    methods = {operation.path: operation.method for operation in OPERATIONS.values()}
    for member in (*ProvAPIEndpoints, *ProvAPIAdminEndpoints):
        assert member.name.startswith(f"{methods[member.value]}_")


def test_every_operation_has_a_sample() -> None:
    assert set(SAMPLES) == set(OPERATIONS)


def test_only_the_health_check_needs_no_token() -> None:
    assert {name for name, o in OPERATIONS.items() if not o.secured} == {"get_health_check"}


def test_clearing_the_graph_is_rejected_without_a_confirmation(
    server: Server, client: ProvClient
) -> None:
    invalid: list[Any] = [False, None, 1, "yes"]
    for confirm in invalid:
        with pytest.raises(ValueError, match="confirm=True") as caught:
            run(client.admin.clear_graph(confirm=confirm))
        assert caught.value.path == "$.confirm"  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        run(client.admin.clear_graph())  # type: ignore[call-arg]
    assert not server.received


def test_a_null_response_is_none(server: Server, client: ProvClient) -> None:
    server.response = json_reply(None)
    assert run(client.admin.trigger_sentry_debug()) is None
