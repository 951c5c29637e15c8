from __future__ import annotations

from collections.abc import Iterator

import pytest
from sandbox_checks import Exchange, Recording
from starlette.middleware import Middleware

from prov_facade.sandbox import Sandbox

EXCHANGES: list[Exchange] = []


def pytest_configure() -> None:
    Sandbox._middleware = (Middleware(Recording, EXCHANGES),)


@pytest.fixture(autouse=True)
def sandboxes_keep_to_the_documents() -> Iterator[None]:
    """Hold every exchange of every sandbox in this process to the documents."""
    EXCHANGES.clear()
    yield
    departures = [text for exchange in EXCHANGES for text in exchange.departures()]
    assert departures == []


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the proxies of the machine out of the tests."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
