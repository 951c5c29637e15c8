"""A sandbox can accept the tokens of another issuer."""

from __future__ import annotations

import base64
import hmac
import json
import re
import socket
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from sandbox import http

from prov_facade import ConfigError
from prov_facade.sandbox import IssuerError, Sandbox
from prov_facade.sandbox._http.claims import Claims
from prov_facade.sandbox._realm.trust import TrustedIssuer

NOW = 4_000_000_000.0  # far from the system time, which must not matter
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
HEADER = {"kid": "k", "typ": "at+jwt"}
DISCOVERY = "/.well-known/openid-configuration"

Sign = Callable[..., str]


def access_check(sandbox: Sandbox, token: str) -> httpx.Response:
    """The response of the sandbox to an access check with a token."""
    return http.get(
        f"{sandbox.url}/check-access/check-general-access",
        headers={"Authorization": f"Bearer {token}"},
    )


def public(key: Any, **named: Any) -> dict[str, Any]:
    algorithm: Any = jwt.algorithms.RSAAlgorithm
    if isinstance(key, ec.EllipticCurvePublicKey):
        algorithm = jwt.algorithms.ECAlgorithm
    found: dict[str, Any] = json.loads(algorithm.to_jwk(key))
    return {name: part for name, part in found.items() if name != "key_ops"} | named


def publish(httpserver: HTTPServer, *keys: Any, **metadata: Any) -> str:
    """Serve an issuer with these keys, and return its URL."""
    address = httpserver.url_for("").rstrip("/")
    document = {"issuer": address, "jwks_uri": f"{address}/keys", **metadata}
    httpserver.expect_request(DISCOVERY).respond_with_json(document)
    httpserver.expect_request("/keys").respond_with_json({"keys": keys})
    return address


@pytest.fixture
def address(httpserver: HTTPServer) -> str:
    return publish(httpserver, public(KEY.public_key(), kid="k", use="sig", alg="RS256"))


@pytest.fixture
def issuer(address: str) -> TrustedIssuer:
    return TrustedIssuer(address, lambda: NOW)


@pytest.fixture
def sign(address: str) -> Sign:
    """A function that signs tokens of the issuer, with other claims or another header."""

    def signed(header: Any = None, key: Any = KEY, alg: str = "RS256", **claims: Any) -> str:
        good = {"iss": address, "sub": "ann", "exp": NOW + 60, "aud": "an API"}
        given = {name: claim for name, claim in (good | claims).items() if claim is not ...}
        return jwt.encode(given, key, alg, HEADER if header is None else header)

    return signed


def test_tokens_of_the_trusted_issuer_are_accepted() -> None:
    with Sandbox() as issuing, Sandbox(trusted_issuer=issuing.config.keycloak_endpoint) as sandbox:
        token = issuing.token("read", "write", username="ann")
        response = access_check(sandbox, token).raise_for_status().json()
        assert response.pop("roles") == ["entity-registry-read", "entity-registry-write"]
        assert response == {"username": "ann", "email": "ann@example.org", "access_token": token}
        assert access_check(sandbox, issuing.token("read", expires_in=-1)).status_code == 401
        # Its own tokens are still accepted.
        own = sandbox.token("read", username="bob")
        assert access_check(sandbox, own).json()["username"] == "bob"


def test_clients_sign_in_at_the_trusted_issuer() -> None:
    with Sandbox() as issuing, Sandbox(trusted_issuer=issuing.config.keycloak_endpoint) as sandbox:
        assert sandbox.config.keycloak_endpoint == issuing.config.keycloak_endpoint
        assert sandbox.config.prov_api_endpoint == sandbox.url


def test_keys_are_fetched_only_at_the_start() -> None:
    issuing = Sandbox().start()
    token = issuing.token("read")
    with Sandbox(trusted_issuer=issuing.config.keycloak_endpoint) as sandbox:
        operations = [request.operation_id for request in issuing.requests]
        assert operations == ["openid_configuration", "jwks"]
        issuing.stop()
        assert access_check(sandbox, token).status_code == 200


def test_other_issuers_are_not_trusted() -> None:
    with Sandbox() as issuing, Sandbox(trusted_issuer=issuing.config.keycloak_endpoint) as sandbox:
        assert access_check(issuing, sandbox.token("read")).status_code == 401
        with Sandbox() as other:
            assert access_check(other, issuing.token("read")).status_code == 401
            assert access_check(sandbox, other.token("read")).status_code == 401


def test_roles_are_those_of_the_token(address: str, sign: Sign) -> None:
    with Sandbox(trusted_issuer=f"{address}/") as sandbox:
        for roles, status in (["entity-registry-read"], 200), (["read"], 401), ([], 401):
            token = sign(realm_access={"roles": roles})
            response = http.get(
                f"{sandbox.url}/check-access/check-read-access",
                headers={"Authorization": f"Bearer {token}"},
            )
            assert response.status_code == status, (roles, response.text)


def test_keycloaks_claims_are_accepted(issuer: TrustedIssuer, sign: Sign) -> None:
    token = sign(
        {"kid": "k", "typ": "JWT"},
        typ="Bearer",
        preferred_username="Ann",
        email="ann@example.org",
        realm_access={"roles": ["a", "b"]},
        azp="tool",
        jti="1",
        sid="s",
    )
    assert issuer.verify(token) == Claims(
        username="Ann",
        email="ann@example.org",
        roles=("a", "b"),
        expires=NOW + 60,
        client_id="tool",
        token_id="1",
        session="s",
    )


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_claims_of_rfc_9068_are_accepted(typ: str, issuer: TrustedIssuer, sign: Sign) -> None:
    token = sign({"kid": "k", "typ": typ}, client_id="tool", jti="1")
    assert issuer.verify(token) == Claims(
        username="ann",
        email=None,
        roles=(),
        expires=NOW + 60,
        client_id="tool",
        token_id="1",
        session="",
    )


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({"kid": "k"}, {}),
        ({"kid": "k"}, {"typ": "ID"}),
        ({"kid": "k", "typ": "JWT"}, {"typ": "Refresh"}),
    ],
)
def test_other_kinds_of_tokens_are_rejected(
    header: dict[str, str], claims: dict[str, str], issuer: TrustedIssuer, sign: Sign
) -> None:
    assert issuer.verify(sign(header, **claims)) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW},
        {"exp": NOW - 1},
        {"exp": ...},
        {"exp": "soon"},
        {"nbf": NOW + 1},
        {"iss": "http://127.0.0.1:9"},
        {"iss": ...},
        {"sub": ...},
        {"sub": 5},
        {"realm_access": ["entity-registry-read"]},
        {"realm_access": {"roles": "entity-registry-read"}},
        {"preferred_username": 5},
    ],
)
def test_claims_must_be_valid(claims: dict[str, Any], issuer: TrustedIssuer, sign: Sign) -> None:
    assert issuer.verify(sign())
    assert issuer.verify(sign(**claims)) is None


def test_a_token_is_valid_between_nbf_and_exp(issuer: TrustedIssuer, sign: Sign) -> None:
    assert issuer.verify(sign(nbf=NOW, exp=NOW + 0.1))


def test_the_signature_must_be_that_of_a_published_key(issuer: TrustedIssuer, sign: Sign) -> None:
    assert issuer.verify(sign(key=OTHER_KEY)) is None
    assert issuer.verify(sign({"typ": "at+jwt"})) is None
    assert issuer.verify(sign({"kid": "x", "typ": "at+jwt"})) is None
    assert issuer.verify(sign(alg="RS512")) is None
    assert issuer.verify(sign(key="", alg="none")) is None
    header, claims, signature = sign().split(".")
    assert issuer.verify(f"{header}.{claims}.") is None
    other = sign(realm_access={"roles": ["entity-registry-admin"]}).split(".")[1]
    assert issuer.verify(f"{header}.{other}.{signature}") is None


def test_the_public_key_cannot_sign_tokens(issuer: TrustedIssuer, sign: Sign) -> None:
    """If it were used as a symmetric key, anyone could issue tokens."""
    header = base64.urlsafe_b64encode(json.dumps({**HEADER, "alg": "HS256"}).encode())
    signed = f"{header.rstrip(b'=').decode()}.{sign().split('.')[1]}"
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signature = base64.urlsafe_b64encode(hmac.digest(pem, signed.encode(), "sha256"))
    assert issuer.verify(f"{signed}.{signature.rstrip(b'=').decode()}") is None


def test_only_signing_keys_are_used(httpserver: HTTPServer) -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1())
    address = publish(
        httpserver,
        public(OTHER_KEY.public_key(), kid="encrypts", use="enc"),
        public(elliptic.public_key(), kid="elliptic", use="sig"),
        {"kty": "a new kind", "kid": "unknown"},
        public(KEY.public_key(), kid="k"),
    )
    issuer = TrustedIssuer(address, lambda: NOW)
    claims = {"iss": address, "sub": "ann", "exp": NOW + 60}
    signing: list[tuple[str, Any, str]] = [
        ("encrypts", OTHER_KEY, "RS256"),
        ("elliptic", elliptic, "ES256"),
        ("k", KEY, "RS256"),
    ]
    accepted = {
        kid: issuer.verify(jwt.encode(claims, key, alg, HEADER | {"kid": kid})) is not None
        for kid, key, alg in signing
    }
    assert accepted == {"encrypts": False, "elliptic": False, "k": True}


DEEP = base64.urlsafe_b64encode(b'{"kid":' + b"[" * 40_000).decode().rstrip("=")
LISTED = base64.urlsafe_b64encode(b'{"alg":"RS256","kid":["k"]}').decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b.c", "é", "\0", "\ud800", f"{DEEP}.e30.e30", f"{LISTED}.e30.e30"],
)
def test_other_text_is_not_a_token(token: str, issuer: TrustedIssuer) -> None:
    assert issuer.verify(token) is None


def test_random_text_is_not_a_token(issuer: TrustedIssuer) -> None:
    def encoded(part: bytes) -> str:
        return base64.urlsafe_b64encode(part).rstrip(b"=").decode()

    @settings(derandomize=True, deadline=None, database=None, max_examples=50)
    @given(header=st.binary(), body=st.binary(), rest=st.text())
    def check(header: bytes, body: bytes, rest: str) -> None:
        assert issuer.verify(".".join([encoded(header), encoded(body), rest])) is None
        assert issuer.verify(rest) is None

    check()


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (("no", 404), r"openid-configuration responded with status 404$"),
        (("{", 200), r"openid-configuration is not JSON$"),
        (("{}", 200), r"the discovery document of http://\S+ is not valid: .*issuer"),
        (('{"issuer": "http://127.0.0.1:9", "jwks_uri": "x"}', 200), r"use that URL instead$"),
    ],
)
def test_an_issuer_must_have_a_discovery_document(
    response: tuple[str, int], message: str, httpserver: HTTPServer
) -> None:
    httpserver.expect_request(DISCOVERY).respond_with_data(*response)
    with pytest.raises(IssuerError, match=message):
        Sandbox(trusted_issuer=httpserver.url_for("").rstrip("/")).start()


@pytest.mark.parametrize(
    "keys",
    [
        [],
        {"keys": 5},
        {"keys": []},
        {"keys": [{"kty": "RSA", "kid": "k", "n": "AQAB"}]},
        {"keys": [{"kty": "RSA", "kid": "k", "n": 5, "e": 5}]},
        {"keys": [{"kty": "RSA", "kid": "k", "n": "AQAB", "e": "é"}]},
        {"keys": [public(ec.generate_private_key(ec.SECP256R1()).public_key(), kid="k")]},
        {"keys": [public(KEY.public_key())]},
    ],
)
def test_an_issuer_must_have_a_key(keys: Any, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/keys").respond_with_json(keys)
    address = publish(httpserver)
    with pytest.raises(IssuerError, match=r"/keys contains no key for RS256$"):
        TrustedIssuer(address)


def test_the_keys_must_be_reachable(httpserver: HTTPServer) -> None:
    address = publish(httpserver, jwks_uri=httpserver.url_for("/elsewhere"))
    with pytest.raises(IssuerError, match=r"/elsewhere responded with status 500$"):
        TrustedIssuer(address)


@pytest.mark.parametrize("jwks_uri", ["keys", "http://[", "http://127.0.0.1:x/keys", ""])
def test_the_url_of_the_keys_must_be_valid(jwks_uri: str, httpserver: HTTPServer) -> None:
    address = publish(httpserver, jwks_uri=jwks_uri)
    with pytest.raises(IssuerError, match=rf"^{re.escape(jwks_uri)} cannot be fetched: "):
        TrustedIssuer(address)


def test_a_sandbox_can_start_once_the_issuer_is_reachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    sandbox = Sandbox(trusted_issuer=f"http://127.0.0.1:{port}/auth/realms/sandbox")
    with pytest.raises(IssuerError, match=r"cannot be fetched: .*refused"):
        sandbox.start()
    with Sandbox(port=port) as issuing, sandbox:
        assert access_check(sandbox, issuing.token("read")).status_code == 200


@pytest.mark.parametrize("url", ["", "realm", "http://keycloak.example.org", "https://a/?b=c"])
def test_unsafe_urls_of_issuers_are_rejected(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^trusted_issuer "):
        Sandbox(trusted_issuer=url)
