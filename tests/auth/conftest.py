"""One sandbox whose realm does not make tests wait, an empty home directory, and a clock."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import define
from auth.support import SECRET, SERVICE
from scripted_server import Server

from prov_facade.sandbox import Client, Sandbox

CHANGEABLE = ("access_lifetime", "device_lifetime", "interval", "single_use")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home directory."""
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("HOME", str(path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("PROV_OFFLINE_TOKEN", raising=False)
    return path


@pytest.fixture
def without_home(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Leaves the process without a home directory when called."""

    def remove() -> None:
        monkeypatch.delenv("HOME")
        monkeypatch.setattr(os, "getuid", lambda: 4_000_000)  # a user that does not exist

    return remove


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    with Sandbox(clients={SERVICE: Client(SECRET, ("read",))}) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The sandbox, without the faults, requests and realm settings of other tests."""
    shared_sandbox.faults.clear()
    shared_sandbox.clear_requests()
    realm = shared_sandbox.realm
    for name in CHANGEABLE:
        monkeypatch.setattr(realm, name, getattr(realm, name))  # restored after the test
    realm.interval = 0.01
    return shared_sandbox


@pytest.fixture
def realm() -> Iterator[Server]:
    """A realm whose responses the test scripts."""
    with Server() as server:
        yield server


@define
class Clock:
    """The clock by which tokens expire.

    Attributes:
        ahead: How many seconds it is ahead.
    """

    ahead: float = 0.0

    def time(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("prov_facade._auth.tokens.time", clock)
    monkeypatch.setattr("prov_facade._auth.token_endpoint.time", clock)
    return clock


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits of the flows in seconds, which are skipped."""
    sleeps: list[float] = []
    for module in ("token_endpoint", "device_flow"):
        monkeypatch.setattr(f"prov_facade._auth.{module}.sleep", sleeps.append)
    return sleeps
