"""An OpenID provider that nobody here wrote, in a process of its own: `oidc-provider` of npm's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest

FOLDER = Path(__file__).parent
CLIENT = "device"
"""The client with which people sign in."""

_STARTED, _STOPPED = 30, 10  # seconds, for what takes one


def needed() -> None:
    """Skip the module that says this, where the provider is not installed."""
    if not (FOLDER / "node_modules" / "oidc-provider").is_dir() or not shutil.which("node"):
        pytest.skip("oidc-provider is not installed: nox -s auth_provider", allow_module_level=True)


def secret_of(client_id: str) -> str:
    """Return the secret of one of the clients ``with-post`` and ``with-basic``."""
    return f"the secret of {client_id}: 50% & more"


class Provider:
    """A provider that runs from ``with`` on.

    Args:
        access_seconds: For how long access tokens are good.
        refresh_seconds: For how long refresh tokens are.
        device_seconds: For how long a device waits to be approved.
        device_interval: How many seconds a device shall wait before it asks again; ``None`` for a
            provider that says nothing of it.
        auth_methods: The ways in which clients can show who they are.

    Attributes:
        issuer: Its address.
    """

    issuer: str

    def __init__(
        self,
        *,
        access_seconds: int = 300,
        refresh_seconds: int = 1800,
        device_seconds: int = 600,
        device_interval: float | None = 0.2,
        auth_methods: tuple[str, ...] = ("client_secret_basic", "client_secret_post", "none"),
    ) -> None:
        self._arguments = [
            f"--access-seconds={access_seconds}",
            f"--refresh-seconds={refresh_seconds}",
            f"--device-seconds={device_seconds}",
            f"--auth-methods={','.join(auth_methods)}",
        ]
        if device_interval is not None:
            self._arguments.append(f"--device-interval={device_interval}")

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            ["node", str(FOLDER / "provider.mjs"), *self._arguments],  # noqa: S607
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self.issuer = self._process.stdout.readline().strip()
        if not self.issuer:
            self._stop()
            raise AssertionError("the provider does not start")
        self._http = httpx.Client(timeout=_STARTED)
        address = f"{self.issuer}/.well-known/openid-configuration"
        self._metadata = self._http.get(address).raise_for_status().json()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()
        self._stop()

    def _stop(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(_STOPPED)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def is_active(self, refresh_token: str) -> bool:
        """Say whether a refresh token is good, as the provider sees it."""
        answer = self._ask("introspection", token=refresh_token).raise_for_status()
        active: bool = answer.json()["active"]
        return active

    def refresh(self, refresh_token: str) -> httpx.Response:
        """Ask for tokens, as a client of the plainest kind."""
        return self._ask("token", grant_type="refresh_token", refresh_token=refresh_token)

    def revoke(self, refresh_token: str) -> None:
        """End a refresh token behind everybody's back."""
        self._ask("revocation", token=refresh_token).raise_for_status()

    def _ask(self, endpoint: str, **form: Any) -> httpx.Response:
        address = self._metadata[f"{endpoint}_endpoint"]
        return self._http.post(address, data={"client_id": CLIENT, **form})
