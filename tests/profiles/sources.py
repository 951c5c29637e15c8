"""Settings from the three sources, and the credential that a client uses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from scripted_server import Server

from prov_facade import (
    BearerToken,
    CredentialsError,
    DeviceFlow,
    ProvClient,
    SupportsAuth,
    SyncProvClient,
    connect,
    connect_sync,
)

VARIABLES = {
    "domain": "PROV_DOMAIN",
    "realm": "PROV_REALM",
    "client_id": "PROV_CLIENT_ID",
    "token": "PROV_TOKEN",
    "offline_token": "PROV_OFFLINE_TOKEN",
    "client_secret": "PROV_CLIENT_SECRET",
}

AnyClient = ProvClient | SyncProvClient

CONNECT = {"async": connect, "sync": connect_sync}
BOTH = pytest.mark.parametrize("make", CONNECT.values(), ids=CONNECT)
"""For tests of what the two functions do not share."""

DEPLOYMENT: dict[str, Any] = {"domain": "prov.test", "realm": "provena"}


def write_config(
    path: Path, profiles: Mapping[str, Mapping[str, object]], mode: int = 0o600
) -> Path:
    """Write a configuration file."""
    lines = []
    for name, settings in profiles.items():
        lines.append(f"[profiles.{json.dumps(name)}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    return write_file(path, "\n".join(lines), mode)


def write_file(path: Path, text: str, mode: int = 0o600) -> Path:
    """Write a file, by default one that only its owner can access."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def credential(auth: SupportsAuth, realm: Server) -> dict[str, Any]:
    """Return the credential of an auth manager, in the form that it is sent to the realm."""
    if isinstance(auth, BearerToken):
        return {"token": auth.get_token()}
    if isinstance(auth, DeviceFlow):
        auth._interactive = True  # otherwise it refuses to run without a terminal
    with pytest.raises(CredentialsError):
        auth.get_token()
    assert realm.last.method == "POST"
    form = dict(parse_qsl(realm.last.body.decode()))
    return {"flow": type(auth).__name__, **form}
