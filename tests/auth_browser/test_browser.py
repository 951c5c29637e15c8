"""A user signs in with a real browser while the flow waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from auth_browser.browser import Browser
from auth_provider.provider import CLIENT, require_provider

from prov_facade import CredentialsError, DeviceFlow, DeviceLogin, ProvClient, SyncProvClient
from prov_facade.sandbox import Sandbox

require_provider()

_TIMEOUT = 60  # seconds; the flow polls every five


@contextmanager
def signing_in(sandbox: Sandbox) -> Iterator[tuple[DeviceFlow, DeviceLogin, Future[str]]]:
    """Start a login. Yield the flow, the login that it shows, and the future token."""
    shown: Future[DeviceLogin] = Future()
    flow = DeviceFlow(sandbox.config, CLIENT, prompt=shown.set_result, cache=None)
    with ThreadPoolExecutor(1) as thread:
        token = thread.submit(flow.get_token)
        yield flow, shown.result(_TIMEOUT), token


def test_a_user_signs_in_with_a_browser(sandbox: Sandbox, tmp_path: Path) -> None:
    with signing_in(sandbox) as (flow, login, token), Browser(tmp_path) as browser:
        assert login.verification_uri_complete
        browser.open(login.verification_uri_complete)
        assert login.user_code in browser.page("Confirm Device")
        browser.click("Continue")
        browser.page("Sign-in")
        browser.type("login", "ann")
        browser.type("password", "anything")
        browser.click("Sign-in")
        assert not token.done()
        browser.page("Authorize")
        browser.click("Continue")
        browser.page("Sign-in Success")
        assert token.result(_TIMEOUT)

    async def calling() -> str:
        async with ProvClient(flow, sandbox.config) as client:
            return (await client.check_general_access()).username

    with SyncProvClient(flow, sandbox.config) as client:
        assert client.check_general_access().username == "ann"
    assert asyncio.run(calling()) == "ann"
    used = {request.headers["authorization"] for request in sandbox.requests}
    assert used == {f"Bearer {token.result()}"}
    assert len(list(tmp_path.glob("*.png"))) == 4


def test_a_user_enters_the_code_and_denies_the_login(sandbox: Sandbox, tmp_path: Path) -> None:
    with signing_in(sandbox) as (_, login, token), Browser(tmp_path) as browser:
        browser.open(login.verification_uri)
        browser.page("Sign-in")
        browser.type("user_code", login.user_code.lower().replace("-", " "))
        browser.click("Continue")
        browser.page("Confirm Device")
        browser.click("[ Abort ]")
        assert "was interrupted" in browser.page("Sign-in")
        with pytest.raises(CredentialsError, match="was denied"):
            token.result(_TIMEOUT)
