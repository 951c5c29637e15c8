"""The connections of a synchronous client: kept between calls, closed when nobody needs them."""

from __future__ import annotations

import gc
import pickle
import weakref

import httpx
import pytest
from blocking.calling import client_for
from sample_calls import LINEAGE_REPLY
from scripted_server import Server, json_reply

from prov_facade import ConfigError, OperationFailedError, SyncProvClient
from prov_facade._runtime.threads.pool import Pool
from prov_facade._sync.http_client import HTTPClient, HTTPClientFactory


def test_calls_share_a_connection_whoever_makes_them(
    server: Server, client: SyncProvClient
) -> None:
    server.answer = LINEAGE_REPLY
    for _ in range(3):
        client.explore_upstream("1")
    server.answer = json_reply({"status": {"success": False, "details": "No."}})
    with pytest.raises(OperationFailedError):
        client.admin.store_all_registry_records()
    assert len(server.received) == 4
    assert server.opened == 1


def test_it_is_closed_and_used_again_any_number_of_times(server: Server) -> None:
    server.answer = LINEAGE_REPLY
    client = client_for(server.url)
    client.close()  # nothing is open yet
    for number in range(1, 4):
        client.explore_upstream("1")
        client.close()
        client.close()
        assert server.saw_closing()
        assert server.opened == number
    with client:
        client.explore_upstream("1")
    assert server.saw_closing()


def test_a_client_that_is_dropped_closes_its_connections_at_once(server: Server) -> None:
    server.answer = LINEAGE_REPLY
    gc.disable()
    try:
        client = client_for(server.url)
        client.explore_upstream("1")
        del client
        assert server.saw_closing()
    finally:
        gc.enable()


def test_closed_clients_are_freed() -> None:
    made: list[weakref.ref[HTTPClient]] = []

    def make() -> HTTPClient:
        client = HTTPClientFactory().open()
        made.append(weakref.ref(client))
        return client

    pool = Pool(make)
    for _ in range(5):
        pool.current()
        pool.close()
    pool.current().close()  # by somebody else
    pool.current()
    gc.collect()
    assert [client() is not None for client in made] == [False] * 6 + [True]
    pool.close()


def test_a_transport_of_the_users_own_is_used_again_after_closing(server: Server) -> None:
    server.answer = LINEAGE_REPLY
    transport = httpx.HTTPTransport()
    client = client_for(server.url, transport=transport)
    for _ in range(2):
        assert client.explore_upstream("1").record_count == 1
        client.close()
        assert server.saw_closing()


def test_aiohttp_is_for_the_other_client(server: Server) -> None:
    with pytest.raises(ConfigError, match=r"httpx\.BaseTransport"):
        client_for(server.url, transport="aiohttp")


def test_a_copy_has_connections_of_its_own(server: Server) -> None:
    server.answer = LINEAGE_REPLY
    with client_for(server.url) as client:
        client.explore_upstream("1")
        with pickle.loads(pickle.dumps(client)) as twin:  # noqa: S301  (our own)
            assert repr(twin) == repr(client)
            assert twin.explore_upstream("1").record_count == 1
        assert server.saw_closing()
        client.explore_upstream("1")
    assert server.opened == 2
