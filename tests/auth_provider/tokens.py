"""Flows whose person approves every login, and the tokens that they cache."""

from __future__ import annotations

import json
from pathlib import Path

from auth_provider.person import approve
from auth_provider.provider import CLIENT

from prov_facade import Config, DeviceFlow, DeviceLogin


class Person:
    """A person who approves every login, and counts them."""

    def __init__(self, name: str = "ann") -> None:
        self.name = name
        self.approved = 0

    def __call__(self, login: DeviceLogin) -> None:
        approve(login, self.name)
        self.approved += 1


def flow_of(config: Config, person: Person, folder: Path | None = None) -> DeviceFlow:
    """Return a flow that signs a person in, and caches tokens in a directory."""
    return DeviceFlow(config, CLIENT, prompt=person, cache=folder)


def refresh_token_of(config: Config, folder: Path) -> str:
    """Sign a person in, and return the refresh token."""
    flow_of(config, Person(), folder).get_token()
    return cached_in(folder)


def cached_in(folder: Path) -> str:
    """Return the refresh token that is cached in a directory."""
    (path,) = folder.glob("*.json")
    token: str = json.loads(path.read_bytes())["refresh_token"]
    return token
