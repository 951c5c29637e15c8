"""Starting and stopping a sandbox, and its URLs."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sandbox import http

from prov_facade.sandbox import Client, Sandbox, SeedError


@pytest.mark.parametrize(
    "use",
    [
        lambda s: s.url,
        lambda s: s.config,
        lambda s: s.realm,
        lambda s: s.items(),
        lambda s: s.token("read"),
        lambda s: s.reset(),
    ],
    ids=["url", "config", "realm", "items", "token", "reset"],
)
@pytest.mark.parametrize("ended", [False, True])
def test_use_of_a_stopped_sandbox_is_an_error(use: Callable[[Sandbox], Any], ended: bool) -> None:
    sandbox = Sandbox()
    if ended:
        sandbox.start().stop()
    with pytest.raises(RuntimeError, match="not running"):
        use(sandbox)


def test_requests_can_be_read_after_stopping() -> None:
    with Sandbox() as sandbox:
        http.get(sandbox.url)
    assert [request.operation_id for request in sandbox.requests] == ["get_health_check"]


def test_stopping_is_idempotent(tmp_path: Path) -> None:
    """As in a ``finally`` block after a failed start."""
    sandbox = Sandbox(seed=tmp_path / "missing.yaml")
    with pytest.raises(SeedError):
        sandbox.start()
    sandbox.stop()
    sandbox.stop()


def test_a_running_sandbox_cannot_be_started_again(sandbox: Sandbox) -> None:
    url = sandbox.url
    with pytest.raises(RuntimeError, match="already running"):
        sandbox.start()
    assert http.get(url).status_code == 200


def test_a_stopped_sandbox_can_be_started_again(tmp_path: Path) -> None:
    sandbox = Sandbox(state=tmp_path / "state.db")
    for _ in range(2):
        with sandbox:
            assert http.get(sandbox.url).status_code == 200
            assert len(sandbox.requests) == 1
            assert len(sandbox.items("MODEL_RUN")) == 30


def test_a_sandbox_can_listen_on_ipv6() -> None:
    if not socket.has_ipv6:
        pytest.skip("this Python has no IPv6")
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with Sandbox(host="::1") as sandbox:
        assert sandbox.url.startswith("http://[::1]:")
        assert http.get(sandbox.url).status_code == 200


def test_an_unknown_host_is_an_error() -> None:
    with pytest.raises(OSError, match=r"."):
        Sandbox(host="nowhere.invalid").start()


def test_urls_use_the_host_of_the_request() -> None:
    """Callers on other machines may use another name for this machine."""
    with Sandbox(host="0.0.0.0", report_style="job") as sandbox:  # noqa: S104  (the point of this test)
        assert sandbox.url.startswith("http://127.0.0.1:")
        port = sandbox.url.rpartition(":")[2]
        host = f"localhost:{port}"
        headers = {"Host": host, "Authorization": f"Bearer {sandbox.token('read')}"}
        realm = f"{sandbox.config.keycloak_endpoint}/.well-known/openid-configuration"
        found = http.get(realm, headers=headers).json()
        assert found["token_endpoint"].startswith(f"http://{host}/auth/realms/sandbox/")

        body = {"id": sandbox.items("STUDY")[0].id, "item_subtype": "STUDY", "depth": 1}
        url = f"{sandbox.url}/explore/generate/report"
        session_id = http.post(url, headers=headers, json=body).json()["session_id"]
        jobs = f"{sandbox.config.job_api_endpoint}/jobs/user/fetch"
        for _ in range(1000):
            response = http.get(jobs, params={"session_id": session_id}, headers=headers).json()
            if response.get("job", {}).get("status") == "SUCCEEDED":
                break
        address = response["job"]["result"]["report_url"]
        assert address.startswith(f"http://{host}/reports/")
        assert http.get(address).content.startswith(b"PK")


def test_clients_can_sign_in_as_themselves() -> None:
    with Sandbox(clients={"pipeline": Client("hush", ("read", "write"))}) as sandbox:
        form = {
            "grant_type": "client_credentials",
            "client_id": "pipeline",
            "client_secret": "hush",
        }
        realm = sandbox.config.keycloak_endpoint
        token = http.post(f"{realm}/protocol/openid-connect/token", data=form).json()
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        url = f"{sandbox.url}/check-access/check-write-access"
        assert http.get(url, headers=headers).json()["username"] == "service-account-pipeline"
