"""Ways to sign in to a sandbox without anybody being there."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prov_facade import ClientCredentials, DeviceFlow, DeviceLogin, OfflineFlow
from prov_facade.sandbox import Fault, Sandbox

CLIENT = "notebooks"
SERVICE = "nightly"
SECRET = "p&ss w+rd/%41=é"

SignIn = DeviceFlow | OfflineFlow | ClientCredentials


def device(sandbox: Sandbox, **settings: Any) -> DeviceFlow:
    """One whose person approves every login as soon as it is shown."""

    def approve(login: DeviceLogin) -> None:
        sandbox.realm.approve(login.user_code, "ann", ["read", "write"])

    return DeviceFlow(sandbox.config, CLIENT, **{"prompt": approve, **settings})


def offline_token(sandbox: Sandbox, folder: Path) -> str:
    """Get an offline token the way that people do."""
    path = folder / "offline-token"
    device(sandbox, cache=None).save_offline_token(path)
    return path.read_text().strip()


def offline(sandbox: Sandbox, folder: Path, **settings: Any) -> OfflineFlow:
    """One with a new offline token."""
    token = offline_token(sandbox, folder)
    return OfflineFlow(sandbox.config, CLIENT, offline_token=token, **settings)


def service(sandbox: Sandbox) -> ClientCredentials:
    """A client with an account of its own."""
    return ClientCredentials(sandbox.config, SERVICE, SECRET)


FLOWS: dict[str, Callable[[Sandbox, Path], SignIn]] = {
    "device": lambda sandbox, _: device(sandbox),
    "offline": offline,
    "client": lambda sandbox, _: service(sandbox),
}


def copied(auth: SignIn) -> Any:
    """What another process gets of it."""
    return pickle.loads(pickle.dumps(auth))  # noqa: S301  (made here)


def answering(answer: object) -> Fault:
    """An answer that the realm gives in place of its own."""
    return Fault(status=200, body=json.dumps(answer).encode())


def refusal(error: str, status: int = 400) -> Fault:
    """An error of OAuth."""
    return Fault(status=status, body=json.dumps({"error": error}).encode())


def asked(sandbox: Sandbox, operation_id: str = "token") -> int:
    """How often the realm was asked for something."""
    return sum(request.operation_id == operation_id for request in sandbox.requests)
