"""Rejections by the provider are errors that say what to do, and contain no secret."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from auth_provider.person import cancel, deny
from auth_provider.provider import CLIENT, Provider, require_provider, secret_of
from auth_provider.tokens import Person, flow_of

from prov_facade import (
    APIOverrides,
    ClientCredentials,
    Config,
    CredentialsError,
    DeviceFlow,
    DeviceLogin,
    SyncProvClient,
)
from prov_facade.sandbox import Sandbox

require_provider()


@pytest.mark.parametrize("refuse", [deny, cancel])
def test_a_login_can_be_denied(refuse: Callable[[DeviceLogin], None], sandbox: Sandbox) -> None:
    auth = DeviceFlow(sandbox.config, CLIENT, prompt=refuse, cache=None)
    with (
        SyncProvClient(auth, sandbox.config) as client,
        pytest.raises(CredentialsError, match="was denied") as caught,
    ):
        client.check_general_access()
    assert caught.value.error == "access_denied"
    assert caught.value.error_description == "End-User aborted interaction"
    assert sandbox.requests == []


def test_a_login_that_nobody_approves_expires_and_can_be_retried() -> None:
    shown: list[DeviceLogin] = []
    person = Person()

    def prompt(login: DeviceLogin) -> None:
        shown.append(login)
        if len(shown) > 1:
            person(login)

    with (
        Provider(device_seconds=2) as provider,
        Sandbox(trusted_issuer=provider.issuer) as sandbox,
    ):
        auth = DeviceFlow(sandbox.config, CLIENT, prompt=prompt, cache=None)
        with pytest.raises(
            CredentialsError, match=r"nobody approved the login .* in time"
        ) as caught:
            auth.get_token()
        assert caught.value.error == "expired_token"
        assert auth.get_token()
    first, second = shown
    assert first.user_code != second.user_code
    assert first.expires_in == 2


def test_a_client_without_offline_tokens_is_an_error(sandbox: Sandbox, tmp_path: Path) -> None:
    auth = DeviceFlow(sandbox.config, "online", prompt=Person(), cache=None)
    with pytest.raises(CredentialsError, match="Request another scope") as caught:
        auth.save_offline_token(tmp_path / "token")
    assert caught.value.error == "invalid_scope"
    assert list(tmp_path.iterdir()) == []
    assert auth.get_token()  # which requests less


@pytest.mark.parametrize("client_id", ["with-post", "with-basic", "with-none"])
def test_a_wrong_secret_is_an_error_that_does_not_show_it(client_id: str, sandbox: Sandbox) -> None:
    secret = f"not {secret_of(client_id)}"
    auth = ClientCredentials(sandbox.config, client_id, secret)
    with (
        SyncProvClient(auth, sandbox.config) as client,
        pytest.raises(
            CredentialsError, match="Check the client_id, and the client_secret"
        ) as caught,
    ):
        client.check_general_access()
    assert caught.value.error == "invalid_client"
    assert caught.value.error_description
    for text in (str(caught.value), repr(caught.value), repr(auth)):
        assert secret not in text
        assert secret_of(client_id) not in text


def test_a_wrong_secret_in_the_header_is_an_error() -> None:
    secret = "not the secret"
    with Provider(auth_methods=("client_secret_basic", "none")) as provider:
        overrides = APIOverrides(keycloak_endpoint_override=provider.issuer)
        auth = ClientCredentials(Config("a.example.org", "r", overrides), "with-basic", secret)
        with pytest.raises(CredentialsError) as caught:
            auth.get_token()
    assert caught.value.error == "invalid_client"
    assert secret not in str(caught.value)


def test_a_flow_that_the_client_may_not_use_is_an_error(sandbox: Sandbox) -> None:
    auth = DeviceFlow(
        sandbox.config,
        "with-post",
        client_secret=secret_of("with-post"),
        prompt=Person(),
        cache=None,
    )
    with pytest.raises(
        CredentialsError, match=r"device_code is not allowed for this client"
    ) as caught:
        auth.get_token()
    assert caught.value.error == "invalid_request"
    assert secret_of("with-post") not in str(caught.value)


def test_the_discovery_document_of_another_issuer_is_ignored(
    provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = provider.issuer.replace("127.0.0.1", "localhost")
    config = Config("a.example.org", "r", APIOverrides(keycloak_endpoint_override=elsewhere))
    with (
        caplog.at_level(logging.WARNING, "prov_facade"),
        pytest.raises(CredentialsError, match=r"status 404\. Does the realm exist"),
    ):
        flow_of(config, Person()).get_token()
    assert f"describes '{provider.issuer}' and is ignored" in caplog.text
