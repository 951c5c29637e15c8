"""Responses of a realm: busy, malformed, malicious, or none."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from auth.support import (
    SECRET,
    TOKENS,
    client_of,
    device,
    oauth_error,
    offline,
    request_count,
    responding,
    scripted,
    service,
)
from certificates import server_context
from scripted_server import Server, json_reply, reply

from prov_facade import APIOverrides, ClientCredentials, Config, CredentialsError, SyncProvClient
from prov_facade.sandbox import Fault, Sandbox, gateway, statuses

# Retries


def test_requests_to_a_busy_realm_are_retried(sandbox: Sandbox, sleeps: list[float]) -> None:
    sandbox.faults.add(
        "token",
        Fault(status=503, headers={"Retry-After": "7"}),
        Fault(status=429, headers={"Retry-After": "3600"}),
        Fault(status=429, headers={"Retry-After": "soon"}),
    )
    assert service(sandbox).get_token()
    assert sleeps[:2] == [7, 10]
    assert 0 <= sleeps[2] <= 2


def test_a_realm_that_stays_busy_is_an_error(sandbox: Sandbox, sleeps: list[float]) -> None:
    sandbox.faults.add("token", *[Fault(status=503)] * 9)
    with pytest.raises(CredentialsError, match="status 503") as caught:
        service(sandbox).get_token()
    assert caught.value.status_code == 503
    assert request_count(sandbox) == 4
    assert len(sleeps) == 3


@pytest.mark.parametrize("fault", [Fault(drop=True, after=True), *statuses([500]), gateway(502)])
def test_a_refresh_that_may_have_taken_effect_is_not_retried(
    fault: Fault, sandbox: Sandbox
) -> None:
    auth = device(sandbox)
    auth.get_token()
    count = request_count(sandbox)
    sandbox.faults.add("token", fault)
    with pytest.raises(CredentialsError):
        auth.force_refresh()
    assert request_count(sandbox) == count + 1


def test_an_unreachable_realm_is_an_error_that_says_what_to_check(
    sandbox: Sandbox, sleeps: list[float]
) -> None:
    def at(address: str) -> ClientCredentials:
        overrides = APIOverrides(keycloak_endpoint_override=address)
        return ClientCredentials(Config("x.localhost", "r", overrides), "c", SECRET)

    with pytest.raises(CredentialsError, match=r"status 404\. Does the realm exist\?"):
        at(f"{sandbox.url}/auth/realms/nothing").get_token()
    with pytest.raises(CredentialsError, match=r"no response.*Check the domain and realm_name"):
        at("http://127.0.0.1:1/realm").get_token()
    assert len(sleeps) == 3


def test_a_rejected_certificate_is_explained_and_not_retried(
    tmp_path: Path, sleeps: list[float]
) -> None:
    with Server(tls=server_context(tmp_path / "bundle.pem")) as realm:
        with pytest.raises(CredentialsError, match=r"certificate of 127\.0\.0\.1 was") as caught:
            client_of(realm).get_token()
        assert realm.opened == 1
    assert "verify=" in str(caught.value)
    assert "self-signed certificate" in str(caught.value)
    assert sleeps == []


def test_a_redirect_is_not_followed(realm: Server) -> None:
    location = {"Location": "http://127.0.0.1:1/"}
    realm.response = scripted(lambda: json_reply({}, status=307, headers=location))
    with pytest.raises(CredentialsError, match="Redirects are not followed"):
        client_of(realm).get_token()
    assert len(realm.received) == 2


def test_an_invalid_certificate_file_is_an_error(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "bundle.pem").write_text("nothing")
    auth = device(sandbox, verify=tmp_path / "bundle.pem")
    with (
        SyncProvClient(auth, sandbox.config) as client,
        pytest.raises(CredentialsError, match=r"could not set up a connection .* certificate file"),
    ):
        client.check_read_access()


# Discovery


@pytest.mark.parametrize("methods", [["client_secret_basic"], ["client_secret_post"], None])
def test_the_secret_is_sent_where_the_realm_accepts_it(
    methods: list[str] | None, sandbox: Sandbox
) -> None:
    document: dict[str, object] = {"issuer": sandbox.config.keycloak_endpoint}
    if methods is not None:
        document["token_endpoint_auth_methods_supported"] = methods
    sandbox.faults.add("openid_configuration", responding(document))
    assert service(sandbox).get_token()
    (request,) = [r for r in sandbox.requests if r.operation_id == "token"]
    in_header = "authorization" in {name.lower() for name in dict(request.headers)}
    assert in_header == (methods != ["client_secret_post"])
    assert (b"client_secret" in request.body) != in_header


def test_the_endpoints_are_not_guessed_if_discovery_fails(sandbox: Sandbox) -> None:
    sandbox.faults.add("openid_configuration", gateway(502))
    auth = service(sandbox)
    with pytest.raises(CredentialsError, match="request for its endpoints failed with status 502"):
        auth.get_token()
    assert request_count(sandbox) == 0
    assert auth.get_token()
    auth.force_refresh()
    assert request_count(sandbox, "openid_configuration") == 2


def test_without_a_discovery_document_the_endpoints_are_those_of_keycloak(sandbox: Sandbox) -> None:
    sandbox.faults.add("openid_configuration", Fault(status=404))
    assert service(sandbox).get_token()


def test_the_document_of_another_realm_is_ignored(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    document = {"issuer": "https://elsewhere.example.org", "token_endpoint": "https://x.test/t"}
    sandbox.faults.add("openid_configuration", responding(document))
    auth = service(sandbox)
    assert auth.get_token()
    auth.force_refresh()
    assert caplog.text.count("elsewhere.example.org") == 1


_SECRET_ADDRESS = "http://user:p4ssw0rd@keycloak:8080/token"


@pytest.mark.parametrize(
    "address",
    ["http://keycloak:8080/token", "ftp://127.0.0.1/", "token", "", "http://[", _SECRET_ADDRESS],
)
@pytest.mark.parametrize(
    "name", ["token_endpoint", "device_authorization_endpoint", "revocation_endpoint"]
)
def test_a_document_with_an_unusable_endpoint_is_ignored(
    name: str, address: str, realm: Server, caplog: pytest.LogCaptureFixture
) -> None:
    usable = {"token_endpoint": f"{realm.url}/r/another", "issuer": f"{realm.url}/r"}
    realm.response = scripted(lambda: json_reply(TOKENS), {**usable, name: address})
    auth = client_of(realm)
    assert auth.get_token() == TOKENS["access_token"]
    auth.force_refresh()
    path = "/r/protocol/openid-connect/token"
    assert [request.path for request in realm.received[1:]] == [path, path]
    (warning,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert f"document of {realm.url}/r is ignored: {name} " in warning
    assert "p4ssw0rd" not in warning


def test_a_malformed_discovery_document_is_ignored(realm: Server) -> None:
    realm.response = scripted(
        lambda: json_reply(TOKENS), {"issuer": f"{realm.url}/r", "token_endpoint": 5}
    )
    assert client_of(realm).get_token()


# Malformed responses


@pytest.mark.parametrize(
    "response",
    [
        [],
        None,
        "text",
        5,
        {},
        {"access_token": ""},
        {"access_token": None},
        {"access_token": 5},
        {"access_token": "two words"},
        {"access_token": "line\nbreak"},
        {**TOKENS, "token_type": "mac"},
        {**TOKENS, "refresh_token": 5},
        {**TOKENS, "scope": {}},
    ],
    ids=repr,
)
def test_a_response_without_tokens_is_an_error(response: object, realm: Server) -> None:
    realm.response = scripted(lambda: json_reply(response))
    with pytest.raises(CredentialsError, match="could not sign in as a client"):
        client_of(realm).get_token()


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 10_000])
def test_a_response_that_is_not_json_is_an_error(body: bytes, realm: Server) -> None:
    realm.response = scripted(lambda: reply(body))
    with pytest.raises(CredentialsError, match="not a JSON object"):
        client_of(realm).get_token()


@pytest.mark.parametrize("expires_in", ["300", "300.5", 300.5, 1e300, 0.001])
def test_any_positive_number_is_accepted_as_a_lifetime(expires_in: object, realm: Server) -> None:
    realm.response = scripted(lambda: json_reply({**TOKENS, "expires_in": expires_in}))
    auth = client_of(realm)
    assert auth.get_token() == TOKENS["access_token"]
    assert auth._tokens is not None
    assert auth._tokens.expires_in == float(str(expires_in))


@pytest.mark.parametrize(
    "expires_in", [None, 0, -5, "soon", "", "5 minutes", "nan", {}, [300], True, "9" * 5000]
)
def test_a_lifetime_that_is_not_a_positive_number_is_ignored(
    expires_in: object, realm: Server
) -> None:
    realm.response = scripted(lambda: json_reply({**TOKENS, "expires_in": expires_in}))
    auth = client_of(realm)
    assert auth.get_token() == auth.get_token() == TOKENS["access_token"]
    assert auth._tokens is not None
    assert auth._tokens.expires_in is None
    assert len(realm.received) == 2


# Secrets


def test_a_wrong_secret_is_an_error_that_does_not_show_it(sandbox: Sandbox) -> None:
    auth = service(sandbox, "a wrong secret")
    with (
        SyncProvClient(auth, sandbox.config) as client,
        pytest.raises(CredentialsError, match=r"invalid_client.*client_secret") as caught,
    ):
        client.check_read_access()
    assert caught.value.error == "invalid_client"
    assert "a wrong secret" not in str(caught.value) + repr(caught.value.__cause__)


def test_no_error_in_the_chain_holds_a_secret(sandbox: Sandbox, tmp_path: Path) -> None:
    auth = offline(sandbox, tmp_path, client_secret="a-client-secret", cache=None)
    supplied = auth._supplied_token()
    sandbox.faults.add("token", Fault(drop=True))
    with SyncProvClient(auth, sandbox.config) as client, pytest.raises(CredentialsError) as caught:
        client.check_read_access()
    error: BaseException | None = caught.value
    depth = 0
    while error is not None:
        request = getattr(error, "_request", None)
        shown = f"{error!r} {vars(error)} {request and (request.content, request.headers)}"
        assert supplied not in shown
        assert "a-client-secret" not in shown
        error, depth = error.__cause__ or error.__context__, depth + 1
    assert depth >= 3
    assert "a-client-secret" not in f"{auth!r} {auth._realm!r} {vars(auth)!r}"


def test_a_secret_that_the_realm_repeats_is_masked(realm: Server) -> None:
    description = f"{SECRET} \x1b[31mis wrong\n{'x' * 400}"
    body = {"error": "invalid_grant", "error_description": description}
    realm.response = scripted(lambda: json_reply(body, status=400))
    with pytest.raises(CredentialsError) as caught:
        client_of(realm).get_token()
    assert caught.value.error == "invalid_grant"
    shown = caught.value.error_description
    assert shown is not None
    assert shown.startswith("*** [31mis wrong x")
    assert len(shown) == 301
    assert SECRET not in str(caught.value)


def test_a_short_secret_does_not_mask_the_error_code(sandbox: Sandbox) -> None:
    auth = device(sandbox, client_secret="grant")
    auth.get_token()
    sandbox.faults.add("token", oauth_error("invalid_grant"))
    auth.force_refresh()  # signs in again
    assert request_count(sandbox, "device_authorization") == 2
