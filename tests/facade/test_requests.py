from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from clients import failure, run
from sample_calls import SAMPLES
from scripted_server import Server

from prov_api_client import OPERATIONS
from prov_facade import ConfigError, ProvClient


class InvalidTimeout:
    """A client, or its admin client, that passes an invalid timeout to every call."""

    def __init__(self, target: object) -> None:
        self.target = target

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(getattr(self.target, name), timeout=0)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_method_checks_its_timeout(name: str, server: Server, client: ProvClient) -> None:
    with_invalid_timeout: Any = InvalidTimeout(client)
    with_invalid_timeout.admin = InvalidTimeout(client.admin)
    failure(ConfigError, SAMPLES[name].call(with_invalid_timeout))
    assert not server.opened


def test_requests_have_only_the_necessary_headers(server: Server, client: ProvClient) -> None:
    server.response = SAMPLES["explore_upstream"].reply
    run(client.explore_upstream("1"))
    expected = {"host", "accept", "accept-encoding", "connection", "user-agent", "authorization"}
    assert set(server.last.headers) == expected
