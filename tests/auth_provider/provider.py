"""An independent OpenID provider, npm's `oidc-provider`, in its own process."""

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
"""The client that people sign in with."""

_START_TIMEOUT, _STOP_TIMEOUT = 30, 10  # seconds


def require_provider() -> None:
    """Skip the calling module if the provider is not installed."""
    if not (FOLDER / "node_modules" / "oidc-provider").is_dir() or not shutil.which("node"):
        pytest.skip("oidc-provider is not installed: nox -s auth_provider", allow_module_level=True)


def secret_of(client_id: str) -> str:
    """Return the secret of one of the clients ``with-post`` and ``with-basic``."""
    return f"the secret of {client_id}: 50% & more"


class Provider:
    """A provider that runs within a ``with`` statement.

    Args:
        access_seconds: How long access tokens are valid.
        refresh_seconds: How long refresh tokens are valid.
        device_seconds: How long a device login can be approved.
        device_interval: The polling interval of a device in seconds; ``None`` to leave it out of
            the response.
        auth_methods: How clients can authenticate.

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
            raise AssertionError("the provider did not start")
        self._http = httpx.Client(timeout=_START_TIMEOUT)
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
            self._process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def is_active(self, refresh_token: str) -> bool:
        """Return whether the provider considers a refresh token valid."""
        response = self._post("introspection", token=refresh_token).raise_for_status()
        active: bool = response.json()["active"]
        return active

    def refresh(self, refresh_token: str) -> httpx.Response:
        """Request tokens as another program would."""
        return self._post("token", grant_type="refresh_token", refresh_token=refresh_token)

    def revoke(self, refresh_token: str) -> None:
        """Revoke a refresh token without the flow's knowledge."""
        self._post("revocation", token=refresh_token).raise_for_status()

    def _post(self, endpoint: str, **form: Any) -> httpx.Response:
        address = self._metadata[f"{endpoint}_endpoint"]
        return self._http.post(address, data={"client_id": CLIENT, **form})
