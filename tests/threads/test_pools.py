"""The connections of a synchronous client: reused between calls, closed when no longer needed."""

from __future__ import annotations

import gc
import pickle
import weakref

import httpx
import pytest
from sample_calls import LINEAGE_REPLY
from scripted_server import Server, json_reply
from threads.sync_client import client_for

from prov_facade import ConfigError, OperationFailedError, SyncProvClient
from prov_facade._runtime.threads.pool import Pool
from prov_facade._sync.http_client import HTTPClient, HTTPClientFactory


def test_all_calls_share_a_connection(server: Server, client: SyncProvClient) -> None:
    server.response = LINEAGE_REPLY
    for _ in range(3):
        client.explore_upstream("1")
    server.response = json_reply({"status": {"success": False, "details": "No."}})
    with pytest.raises(OperationFailedError):
        client.admin.store_all_registry_records()
    assert len(server.received) == 4
    assert server.opened == 1


def test_a_closed_client_can_be_used_again(server: Server) -> None:
    server.response = LINEAGE_REPLY
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


def test_a_deleted_client_closes_its_connections_at_once(server: Server) -> None:
    server.response = LINEAGE_REPLY
    gc.disable()
    try:
        client = client_for(server.url)
        client.explore_upstream("1")
        del client
        assert server.saw_closing()
    finally:
        gc.enable()


def test_closed_clients_are_freed() -> None:
    created: list[weakref.ref[HTTPClient]] = []

    def create() -> HTTPClient:
        client = HTTPClientFactory().open()
        created.append(weakref.ref(client))
        return client

    pool = Pool(create)
    for _ in range(5):
        pool.current()
        pool.close()
    pool.current().close()  # not through the pool
    pool.current()
    gc.collect()
    assert [client() is not None for client in created] == [False] * 6 + [True]
    pool.close()


def test_a_custom_transport_is_used_again_after_closing(server: Server) -> None:
    server.response = LINEAGE_REPLY
    transport = httpx.HTTPTransport()
    client = client_for(server.url, transport=transport)
    for _ in range(2):
        assert client.explore_upstream("1").record_count == 1
        client.close()
        assert server.saw_closing()


def test_aiohttp_is_rejected(server: Server) -> None:
    with pytest.raises(ConfigError, match=r"httpx\.BaseTransport"):
        client_for(server.url, transport="aiohttp")


def test_a_copy_has_its_own_connections(server: Server) -> None:
    server.response = LINEAGE_REPLY
    with client_for(server.url) as client:
        client.explore_upstream("1")
        with pickle.loads(pickle.dumps(client)) as copy:  # noqa: S301  (our own)
            assert repr(copy) == repr(client)
            assert copy.explore_upstream("1").record_count == 1
        assert server.saw_closing()
        client.explore_upstream("1")
    assert server.opened == 2
