"""The realm of the sandbox, over HTTP."""

from __future__ import annotations

import base64
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import jwt
import pytest
from sandbox.caller import CallableClock
from starlette.applications import Starlette

from prov_facade.sandbox._http.interception import Interceptor
from prov_facade.sandbox._http.recording import RequestLog
from prov_facade.sandbox._http.server_thread import ServerThread
from prov_facade.sandbox._realm.realm import Client, Realm
from prov_facade.sandbox._realm.routes import DEVICE_GRANT, OPERATIONS, routes
from prov_facade.sandbox._realm.tokens import TokenIssuer, roles_of
from prov_facade.sandbox.faults import Faults

OAUTH = "/protocol/openid-connect"
CLIENTS = {"robot": Client("s3cret:é", ("read", "write"))}
Json = dict[str, Any]


class Served:
    """A realm served over HTTP, and an HTTP client."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.clock = CallableClock()
        self.url = f"{url}/auth/realms/reef"
        self.issuer = TokenIssuer(self.url, self.clock)
        self.realm = Realm("reef", self.issuer, clients=CLIENTS, **settings)
        self.http = httpx.Client(trust_env=False)

    def post(self, path: str, **form: str) -> httpx.Response:
        return self.http.post(f"{self.url}{path}", data=form)

    def token(self, grant_type: str, **form: str) -> httpx.Response:
        return self.post(f"{OAUTH}/token", grant_type=grant_type, **form)

    def device(self, **form: str) -> Json:
        response = self.post(f"{OAUTH}/auth/device", **({"client_id": "tool"} | form))
        assert response.status_code == 200
        found: Json = response.json()
        return found

    def poll(self, device: Json, client_id: str = "tool") -> httpx.Response:
        return self.token(DEVICE_GRANT, device_code=device["device_code"], client_id=client_id)

    def signed_in(self, scope: str = "") -> Json:
        device = self.device(scope=scope)
        self.realm.approve(device["user_code"], "ann", ["read"], email="ann@reef.example")
        found: Json = self.poll(device).raise_for_status().json()
        return found

    def refresh(self, token: str, client_id: str = "tool") -> httpx.Response:
        return self.token("refresh_token", refresh_token=token, client_id=client_id)


@contextmanager
def serving(**settings: Any) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        served = Served(f"http://127.0.0.1:{listener.getsockname()[1]}", **settings)
        interceptor = Interceptor(RequestLog(), Faults(OPERATIONS, ()))
        server = ServerThread(
            Starlette(routes=routes(served.issuer, served.realm, interceptor)), listener
        )
        server.start()
        try:
            with served.http:
                yield served
        finally:
            server.stop()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    # Shared by all tests: each has its own devices and sessions, and time only moves forward.
    with serving() as served:
        yield served


def check_error(response: httpx.Response, error: str, status: int = 400) -> None:
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.json().keys() == {"error", "error_description"}
    assert response.json()["error_description"]
    assert response.headers["cache-control"] == "no-store"


def test_the_realm_has_a_discovery_document(served: Served) -> None:
    response = served.http.get(f"{served.url}/.well-known/openid-configuration")
    found = response.raise_for_status().json()
    assert found["issuer"] == served.url
    assert DEVICE_GRANT in found["grant_types_supported"]
    for name in (
        "token_endpoint",
        "device_authorization_endpoint",
        "revocation_endpoint",
        "end_session_endpoint",
    ):
        # An empty form is parsed, and rejected.
        check_error(served.http.post(found[name], data={"x": ""}), *EMPTY_FORM_ERRORS[name])
    (algorithm,) = found["id_token_signing_alg_values_supported"]
    (key,) = served.http.get(found["jwks_uri"]).json()["keys"]
    header = jwt.get_unverified_header(served.signed_in()["access_token"])
    assert (header["alg"], header["kid"]) == (algorithm, key["kid"])


def test_the_realm_has_keycloaks_metadata(served: Served) -> None:
    response = served.http.get(served.url)
    assert response.headers["content-type"] == "application/json"
    found = response.raise_for_status().json()
    assert found.keys() == {
        "realm",
        "public_key",
        "token-service",
        "account-service",
        "tokens-not-before",
    }
    assert (found["realm"], found["tokens-not-before"]) == ("reef", 0)
    assert found["token-service"] == f"{served.url}{OAUTH}"
    pem = f"-----BEGIN PUBLIC KEY-----\n{found['public_key']}\n-----END PUBLIC KEY-----"
    token = served.signed_in()["access_token"]
    # The clock of the test is far from the system clock.
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    assert jwt.decode(token, pem, ["RS256"], options=options)["preferred_username"] == "ann"


EMPTY_FORM_ERRORS: dict[str, tuple[str, int]] = {
    "token_endpoint": ("invalid_request", 400),
    "device_authorization_endpoint": ("invalid_client", 401),
    "revocation_endpoint": ("invalid_client", 401),
    "end_session_endpoint": ("invalid_client", 401),
}


@pytest.mark.parametrize("name", ["", "a/b", "a b", "{name}", "é"])
def test_the_name_of_a_realm_must_be_usable_in_a_url(name: str) -> None:
    with pytest.raises(ValueError, match="realm"):
        Realm(name, TokenIssuer("http://x"))


def test_unknown_roles_of_clients_are_rejected() -> None:
    with pytest.raises(ValueError, match="role 'owner' is unknown"):
        Realm("reef", TokenIssuer("http://x"), clients={"robot": Client("s", ("owner",))})


# The device flow


def test_a_device_login_has_the_url_of_the_page(served: Served) -> None:
    device = served.device()
    assert re.fullmatch(r"[A-Z]{4}-[A-Z]{4}", device["user_code"])
    assert device["verification_uri"] == f"{served.url}/device"
    complete = f"{served.url}/device?user_code={device['user_code']}"
    assert device["verification_uri_complete"] == complete
    assert (device["expires_in"], device["interval"]) == (600, 5)
    assert served.device()["device_code"] != device["device_code"]


def test_an_approved_device_obtains_tokens(served: Served) -> None:
    device = served.device()
    check_error(served.poll(device), "authorization_pending")
    served.realm.approve(device["user_code"], "ann", ["read", "write"], email="ann@reef.example")
    served.clock.time += 5
    response = served.poll(device)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    found = response.json()
    assert (found["token_type"], found["expires_in"]) == ("Bearer", 300)
    assert found["refresh_expires_in"] == 1800
    claims = served.issuer.verify(found["access_token"])
    assert claims
    assert (claims.username, claims.email) == ("ann", "ann@reef.example")
    assert claims.roles == roles_of("read", "write")
    assert (claims.client_id, claims.expires) == ("tool", served.clock.time + 300)
    refresh = served.issuer.verify(found["refresh_token"], "Refresh")
    assert refresh
    assert (refresh.session, refresh.expires) == (claims.session, served.clock.time + 1800)


def test_a_device_code_can_be_used_once(served: Served) -> None:
    device = served.device()
    served.realm.approve(device["user_code"])
    served.poll(device).raise_for_status()
    served.clock.time += 5
    check_error(served.poll(device), "invalid_grant")


def test_a_denied_device_obtains_no_tokens(served: Served) -> None:
    device = served.device()
    served.realm.deny(device["user_code"])
    check_error(served.poll(device), "access_denied")


def test_a_device_that_polls_too_often_must_slow_down(served: Served) -> None:
    device = served.device()
    check_error(served.poll(device), "authorization_pending")
    served.clock.time += 4.5
    check_error(served.poll(device), "slow_down")
    served.clock.time += 9.5  # its interval is now five seconds longer
    check_error(served.poll(device), "slow_down")
    served.clock.time += 15
    check_error(served.poll(device), "authorization_pending")
    served.realm.approve(device["user_code"])
    check_error(served.poll(device), "slow_down")
    served.clock.time += 20
    assert served.poll(device).status_code == 200


def test_device_codes_expire(served: Served) -> None:
    device = served.device()
    served.clock.time += 599
    check_error(served.poll(device), "authorization_pending")
    served.clock.time += 1
    check_error(served.poll(device), "expired_token")
    with pytest.raises(LookupError):
        served.realm.approve(device["user_code"])
    served.device()
    check_error(served.poll(device), "expired_token")
    served.clock.time += 600
    served.device()
    check_error(served.poll(device), "invalid_grant")  # it has been deleted


def test_a_device_code_belongs_to_one_client(served: Served) -> None:
    device = served.device()
    served.realm.approve(device["user_code"])
    check_error(served.poll(device, client_id="other"), "invalid_grant")
    assert served.poll(device).status_code == 200


def test_user_codes_ignore_case_and_dashes(served: Served) -> None:
    device = served.device()
    served.realm.approve(f" {device['user_code'].replace('-', ' ').lower()}")
    assert served.poll(device).status_code == 200


@pytest.mark.parametrize("decide", [Realm.approve, Realm.deny])
def test_only_pending_logins_can_be_decided(
    served: Served, decide: Callable[[Realm, str], None]
) -> None:
    with pytest.raises(LookupError, match="no device login with the code 'NOPE'"):
        decide(served.realm, "NOPE")
    device = served.device()
    served.realm.deny(device["user_code"])
    with pytest.raises(LookupError):
        decide(served.realm, device["user_code"])


def test_an_invalid_approval_changes_nothing(served: Served) -> None:
    device = served.device()
    with pytest.raises(ValueError, match="'owner'"):
        served.realm.approve(device["user_code"], roles=["owner"])
    with pytest.raises(ValueError, match="user name"):
        served.realm.approve(device["user_code"], "")
    check_error(served.poll(device), "authorization_pending")


# The page


def test_the_page_approves_a_login(served: Served) -> None:
    device = served.device()
    page = served.http.get(device["verification_uri_complete"])
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert f'value="{device["user_code"]}"' in page.text
    form = {
        "user_code": device["user_code"],
        "username": "bob",
        "roles": ["read", "admin"],
        "decision": "approve",
    }
    response = served.http.post(device["verification_uri"], data=form)
    assert (response.status_code, "signed in" in response.text) == (200, True)
    claims = served.issuer.verify(served.poll(device).json()["access_token"])
    assert claims
    assert (claims.username, claims.email) == ("bob", "bob@example.org")
    assert claims.roles == roles_of("read", "admin")


def test_the_page_denies_a_login(served: Served) -> None:
    device = served.device()
    response = served.post("/device", user_code=device["user_code"], decision="deny")
    assert (response.status_code, "denied" in response.text) == (200, True)
    check_error(served.poll(device), "access_denied")


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"decision": "approve", "username": "ann"}, "user_code is missing"),
        ({"user_code": "<b>", "decision": "deny"}, "code &#x27;&lt;b&gt;&#x27; is pending."),
        ({"user_code": "X", "decision": "approve", "username": " "}, "user name is empty"),
        (
            {"user_code": "X", "decision": "approve", "username": "ann", "roles": "owner"},
            "role &#x27;owner&#x27; is unknown",
        ),
    ],
)
def test_the_page_shows_errors(served: Served, form: dict[str, str], reason: str) -> None:
    response = served.post("/device", **form)
    assert response.status_code == 400
    assert reason in response.text


def test_the_page_requires_a_decision(served: Served) -> None:
    device = served.device()
    for decision in ("", "perhaps"):
        form = {"user_code": device["user_code"], "decision": decision}
        assert served.post("/device", **form).status_code == 400
    check_error(served.poll(device), "authorization_pending")


def test_the_page_escapes_codes(served: Served) -> None:
    page = served.http.get(f"{served.url}/device", params={"user_code": '"><script>{x}'})
    assert 'value="&quot;&gt;&lt;script&gt;{x}"' in page.text


# Refresh tokens


def test_a_refresh_token_obtains_new_tokens(served: Served) -> None:
    first = served.signed_in()
    served.clock.time += 1700
    response = served.refresh(first["refresh_token"])
    assert response.status_code == 200
    second = response.json()
    claims = served.issuer.verify(second["access_token"])
    assert claims
    assert (claims.username, claims.email) == ("ann", "ann@reef.example")
    assert claims.roles == roles_of("read")
    assert second["session_state"] == first["session_state"] == claims.session
    served.clock.time += 1700
    check_error(served.refresh(first["refresh_token"]), "invalid_grant")  # it has expired
    assert served.refresh(second["refresh_token"]).status_code == 200


def test_offline_tokens_are_valid_longer(served: Served) -> None:
    first = served.signed_in("openid offline_access")
    assert first["refresh_expires_in"] == 0
    assert first["scope"].split()[-1] == "offline_access"
    served.clock.time += 29 * 24 * 3600
    second = served.refresh(first["refresh_token"]).raise_for_status().json()
    assert served.issuer.verify(second["refresh_token"], "Offline")
    served.clock.time += 24 * 3600
    check_error(served.refresh(first["refresh_token"]), "invalid_grant")


def test_only_refresh_tokens_can_be_refreshed(served: Served) -> None:
    found = served.signed_in()
    check_error(served.refresh(found["access_token"]), "invalid_grant")
    check_error(served.refresh("nonsense"), "invalid_grant")
    check_error(served.refresh(found["refresh_token"], client_id="other"), "invalid_grant")
    other_issuer = TokenIssuer(served.url, served.clock)
    forged = other_issuer.issue("ann", [], 60, client_id="tool", token_type="Refresh")
    check_error(served.refresh(forged), "invalid_grant")


def test_a_refresh_token_can_be_used_repeatedly(served: Served) -> None:
    token = served.signed_in()["refresh_token"]
    assert [served.refresh(token).status_code for _ in range(2)] == [200, 200]


def test_reusing_a_single_use_refresh_token_ends_the_session() -> None:
    with serving(single_use=True) as served:
        first = served.signed_in()["refresh_token"]
        second = served.refresh(first).raise_for_status().json()["refresh_token"]
        third = served.refresh(second).raise_for_status().json()["refresh_token"]
        # The token may be stolen, so the session ends for both users.
        check_error(served.refresh(first), "invalid_grant")
        check_error(served.refresh(third), "invalid_grant")
        assert served.refresh(served.signed_in()["refresh_token"]).status_code == 200


# Clients


def test_a_client_obtains_a_token_for_itself(served: Served) -> None:
    response = served.token(
        "client_credentials", client_id="robot", client_secret=CLIENTS["robot"].secret
    )
    assert response.status_code == 200
    claims = served.issuer.verify(response.json()["access_token"])
    assert claims
    assert (claims.username, claims.client_id) == ("service-account-robot", "robot")
    assert claims.roles == roles_of("read", "write")
    assert "refresh_token" not in response.json()


def test_a_secret_can_be_in_the_header(served: Served) -> None:
    def with_header(header: str | bytes) -> httpx.Response:
        return served.http.post(
            f"{served.url}{OAUTH}/token",
            data={"grant_type": "client_credentials"},
            headers=[(b"Authorization", header if isinstance(header, bytes) else header.encode())],
        )

    def basic(text: str) -> str:
        return f"Basic {base64.b64encode(text.encode()).decode()}"

    assert with_header(basic("robot:s3cret%3A%C3%A9")).status_code == 200
    for header in (
        basic("robot:wrong"),
        basic("robot"),
        "Basic é".encode("latin-1").decode("latin-1"),
        "Bearer x",
    ):
        response = with_header(header)
        check_error(response, "invalid_client", 401)
        assert response.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("secret", ["", "wrong", "s3cret"])
def test_a_wrong_secret_is_rejected(served: Served, secret: str) -> None:
    form = {"client_id": "robot", "client_secret": secret}
    check_error(served.token("client_credentials", **form), "invalid_client", 401)
    check_error(served.post(f"{OAUTH}/auth/device", **form), "invalid_client", 401)
    check_error(served.token("client_credentials", client_id="robot"), "invalid_client", 401)


def test_a_client_without_a_secret_has_no_service_account(served: Served) -> None:
    response = served.token("client_credentials", client_id="tool", client_secret="x")
    check_error(response, "unauthorized_client", 401)


def test_the_repr_of_a_client_has_no_secret() -> None:
    assert "s3cret" not in repr(CLIENTS["robot"])


# The end of a session


def test_revoking_ends_a_session(served: Served) -> None:
    found, other = served.signed_in(), served.signed_in()
    again = served.refresh(found["refresh_token"]).json()["refresh_token"]
    response = served.post(f"{OAUTH}/revoke", token=found["refresh_token"], client_id="tool")
    assert (response.status_code, response.content) == (200, b"")
    check_error(served.refresh(found["refresh_token"]), "invalid_grant")
    check_error(served.refresh(again), "invalid_grant")
    assert served.refresh(other["refresh_token"]).status_code == 200
    # APIs only verify the token.
    assert served.issuer.verify(found["access_token"])


def test_invalid_tokens_count_as_revoked(served: Served) -> None:
    for token in ("nonsense", served.signed_in()["access_token"]):
        response = served.post(f"{OAUTH}/revoke", token=token, client_id="tool")
        assert response.status_code == 200
    check_error(served.post(f"{OAUTH}/revoke", client_id="tool"), "invalid_request")


def test_logging_out_ends_a_session(served: Served) -> None:
    token = served.signed_in("offline_access")["refresh_token"]
    assert served.post(f"{OAUTH}/logout", refresh_token=token, client_id="tool").status_code == 204
    check_error(served.refresh(token), "invalid_grant")
    bad = served.post(f"{OAUTH}/logout", refresh_token="nonsense", client_id="tool")
    check_error(bad, "invalid_grant")


@pytest.mark.parametrize(("path", "name"), [("/revoke", "token"), ("/logout", "refresh_token")])
def test_only_its_client_can_end_a_session(served: Served, path: str, name: str) -> None:
    token = served.signed_in()["refresh_token"]
    check_error(served.post(f"{OAUTH}{path}", **{name: token, "client_id": "x"}), "invalid_grant")
    assert served.refresh(token).status_code == 200


# Malformed requests


@pytest.mark.parametrize("grant", ["password", "authorization_code", "x"])
def test_other_grants_are_not_supported(served: Served, grant: str) -> None:
    response = served.token(grant, client_id="tool", username="ann", password="x")
    check_error(response, "unsupported_grant_type")


@pytest.mark.parametrize("grant", [DEVICE_GRANT, "refresh_token"])
def test_grants_require_their_parameters(served: Served, grant: str) -> None:
    check_error(served.token(grant, client_id="tool"), "invalid_request")


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"", "application/x-www-form-urlencoded", 400),
        (b'{"grant_type": "refresh_token"}', "application/json", 400),
        (b"grant_type=refresh_token", "", 400),
        (b"grant_type=x&grant_type=x", "application/x-www-form-urlencoded", 400),
        (b"grant_type=%ff", "application/x-www-form-urlencoded", 400),
        ("grant_type=é".encode(), "application/x-www-form-urlencoded", 400),
        (b"grant_type=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
    ],
)
def test_a_request_must_be_a_form(
    served: Served, body: bytes, media_type: str, status: int
) -> None:
    response = served.http.post(
        f"{served.url}{OAUTH}/token", content=body, headers={"Content-Type": media_type}
    )
    check_error(response, "invalid_request", status)


def test_a_media_type_can_have_a_charset(served: Served) -> None:
    response = served.http.post(
        f"{served.url}{OAUTH}/auth/device",
        content=b"client_id=tool",
        headers={"Content-Type": "Application/X-WWW-Form-URLEncoded; charset=UTF-8"},
    )
    assert response.status_code == 200


def test_many_devices_can_log_in_concurrently(served: Served) -> None:
    """Each device obtains the tokens of the person who approved it."""
    count = 20
    names: dict[str, str] = {}

    def sign_in(name: str) -> None:
        with httpx.Client(trust_env=False) as http:
            device = http.post(
                f"{served.url}{OAUTH}/auth/device", data={"client_id": "tool"}
            ).json()
            served.realm.approve(device["user_code"], name)
            form = {
                "grant_type": DEVICE_GRANT,
                "client_id": "tool",
                "device_code": device["device_code"],
            }
            token = http.post(f"{served.url}{OAUTH}/token", data=form).json()["access_token"]
            claims: Json = jwt.decode(token, options={"verify_signature": False})
            names[name] = claims["preferred_username"]

    threads = [threading.Thread(target=sign_in, args=(f"user{n}",)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names == {f"user{n}": f"user{n}" for n in range(count)}
