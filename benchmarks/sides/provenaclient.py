"""Provena's own client, ``provenaclient``, and its pydantic models."""

from __future__ import annotations

import json
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from typing import Any

from benchmarks.sides.data import DEPTH, RECORD, START, TOKEN, fetch

# It uses the interface of pydantic 1, which warns on every call.
warnings.simplefilter("ignore")
# Imported dynamically, since only the environment of this side contains it.
manager: Any = import_module("provenaclient.auth.manager")
clients: Any = import_module("provenaclient.clients")
config: Any = import_module("provenaclient.utils.config")
models: Any = import_module("ProvenaInterfaces.ProvenanceAPI")
warnings.simplefilter("ignore")


class Tokens(manager.AuthManager):  # type: ignore[misc]
    def get_token(self) -> str:
        return TOKEN

    def force_refresh(self) -> None:
        pass


def _client(url: str) -> Any:
    overrides = config.APIOverrides(prov_api_endpoint_override=url)
    settings = config.Config(domain="prov.test", realm_name="provena", api_overrides=overrides)
    return clients.ProvClient(auth=Tokens(), config=settings)


@asynccontextmanager
async def read_async(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    client = _client(url)
    yield lambda: client.explore_upstream(START, DEPTH)


@asynccontextmanager
async def write_async(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    client, record = _client(url), models.ModelRunRecord.parse_obj(RECORD)
    yield lambda: client.register_model_run(record)


@contextmanager
def decode(url: str, size: str) -> Iterator[Callable[[], object]]:
    content = fetch(url, size)
    yield lambda: models.ConvertModelRunsResponse.parse_obj(json.loads(content))
