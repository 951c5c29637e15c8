"""Flows that sign in to a sandbox without user interaction, and responses of a realm."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripted_server import Received, Server, json_reply

from prov_facade import (
    APIOverrides,
    ClientCredentials,
    Config,
    DeviceFlow,
    DeviceLogin,
    OfflineFlow,
)
from prov_facade.sandbox import Fault, Sandbox

CLIENT = "notebooks"
SERVICE = "nightly"
SECRET = "p&ss w+rd/%41=é"
TOKENS = {"access_token": "an-access-token", "token_type": "Bearer", "expires_in": 300}

Flow = DeviceFlow | OfflineFlow | ClientCredentials


def device(sandbox: Sandbox, name: str = "ann", **settings: Any) -> DeviceFlow:
    """A flow whose logins are approved as soon as they are shown."""

    def approve(login: DeviceLogin) -> None:
        sandbox.realm.approve(login.user_code, name, ["read", "write"])

    return DeviceFlow(sandbox.config, CLIENT, **{"prompt": approve, **settings})


def offline_token(sandbox: Sandbox, folder: Path, name: str = "ann") -> str:
    """Obtain an offline token as users do."""
    path = folder / "offline-token"
    device(sandbox, name, cache=None).save_offline_token(path)
    return path.read_text().strip()


def offline(sandbox: Sandbox, folder: Path, **settings: Any) -> OfflineFlow:
    """A flow with a new offline token."""
    token = offline_token(sandbox, folder)
    return OfflineFlow(sandbox.config, CLIENT, offline_token=token, **settings)


def service(sandbox: Sandbox, secret: str = SECRET) -> ClientCredentials:
    """The flow of a client with its own account."""
    return ClientCredentials(sandbox.config, SERVICE, secret)


FLOWS: dict[str, Callable[[Sandbox, Path], Flow]] = {
    "device": lambda sandbox, _: device(sandbox),
    "offline": offline,
    "client": lambda sandbox, _: service(sandbox),
}


def pickled(auth: Flow) -> Any:
    """The copy that another process gets."""
    return pickle.loads(pickle.dumps(auth))  # noqa: S301  (created here)


def refresh_token(auth: DeviceFlow | OfflineFlow) -> str:
    """Return the refresh token in memory."""
    auth.get_token()
    assert auth._tokens is not None
    assert auth._tokens.refresh_token is not None
    return auth._tokens.refresh_token


def end_session(auth: DeviceFlow | OfflineFlow) -> None:
    """End the session without the flow's knowledge, as an administrator can."""
    tokens = auth._realm.refresh(refresh_token(auth))
    assert tokens.refresh_token is not None
    auth._realm.revoke(tokens.refresh_token, "refresh_token")


def request_count(sandbox: Sandbox, operation_id: str = "token") -> int:
    """Count the requests to an endpoint of the realm or the API."""
    return sum(request.operation_id == operation_id for request in sandbox.requests)


def cached_file(home: Path) -> Path:
    """Return the only file with cached tokens."""
    (path,) = home.rglob("*.json")
    return path


def alter(path: Path, **changes: Any) -> None:
    """Change cached values, as if another machine had written them."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


# The realm of the sandbox


def responding(body: object) -> Fault:
    """A response in place of the realm's own."""
    return Fault(status=200, body=json.dumps(body).encode())


def oauth_error(error: str, status: int = 400) -> Fault:
    """An error of OAuth."""
    return Fault(status=status, body=json.dumps({"error": error}).encode())


# A scripted realm


def config_of(server: Server) -> Config:
    return Config("prov.test", "r", APIOverrides(keycloak_endpoint_override=f"{server.url}/r"))


def client_of(server: Server, **settings: Any) -> ClientCredentials:
    return ClientCredentials(config_of(server), CLIENT, SECRET, **settings)


def scripted(reply: Callable[[], bytes], discovery: object = None) -> Any:
    """Respond to the request for the discovery document, and to all others with a reply."""

    def respond(request: Received) -> bytes:
        if request.path.endswith("openid-configuration"):
            return json_reply(discovery) if discovery is not None else json_reply({}, status=404)
        return reply()

    return respond
