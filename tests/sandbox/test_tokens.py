"""The tokens of the sandbox."""

from __future__ import annotations

import base64
import hmac
import math
import time
from typing import Any, get_args

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox.caller import CallableClock

from prov_facade.sandbox._http.claims import Claims
from prov_facade.sandbox._realm.tokens import TokenIssuer, TokenType, new_signing_key, roles_of

URL = "http://127.0.0.1:8000/auth/realms/sandbox"
KEY = b"k" * 32
TYPES: tuple[TokenType, ...] = get_args(TokenType)
NOT_SIGNED: Any = {"verify_signature": False}


# Far from the system time in both directions, to detect any use of the system clock.
@pytest.fixture(params=[1_000_000_000.25, 4_000_000_000.25])
def clock(request: pytest.FixtureRequest) -> CallableClock:
    return CallableClock(request.param)


@pytest.fixture
def issuer(clock: CallableClock) -> TokenIssuer:
    return TokenIssuer(URL, clock)


def payload(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options=NOT_SIGNED)
    return found


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def test_a_token_has_the_claims_of_its_user(issuer: TokenIssuer, clock: CallableClock) -> None:
    token = issuer.issue("ann", roles_of("read", "write"), 60, email="ann@example.org")
    claims = issuer.verify(token)
    assert claims == Claims(
        username="ann",
        email="ann@example.org",
        roles=("entity-registry-read", "entity-registry-write"),
        expires=clock.time + 60,
        client_id="sandbox",
        token_id=payload(token)["jti"],
        session=payload(token)["sid"],
    )


def test_claims_have_keycloaks_names(issuer: TokenIssuer, clock: CallableClock) -> None:
    token = issuer.issue("ann", ["a", "b", "a"], 60, client_id="tool", session="s")
    found = payload(token)
    assert found["realm_access"] == {"roles": ["a", "b"]}
    assert (found["preferred_username"], found["email"]) == ("ann", None)
    assert (found["iss"], found["typ"], found["azp"], found["sid"]) == (URL, "Bearer", "tool", "s")
    assert (found["iat"], found["exp"]) == (int(clock.time), clock.time + 60)
    assert found["sub"] == payload(issuer.issue("ann", [], 1))["sub"]
    assert found["sub"] != payload(issuer.issue("bob", [], 1))["sub"]


def test_tokens_are_unique(issuer: TokenIssuer) -> None:
    assert len({issuer.issue("ann", [], 60) for _ in range(20)}) == 20


def test_tokens_expire(issuer: TokenIssuer, clock: CallableClock) -> None:
    token = issuer.issue("ann", [], 0.5)
    clock.time += 0.49
    assert issuer.verify(token)
    clock.time += 0.01
    assert issuer.verify(token) is None


@pytest.mark.parametrize("expires_in", [0, -1, -5e9])
def test_tokens_can_be_issued_expired(issuer: TokenIssuer, expires_in: float) -> None:
    assert issuer.verify(issuer.issue("ann", [], expires_in)) is None


@pytest.mark.parametrize("expires_in", [math.inf, -math.inf, math.nan])
def test_every_token_expires(issuer: TokenIssuer, expires_in: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        issuer.issue("ann", [], expires_in)


def test_the_system_clock_is_the_default() -> None:
    issuer = TokenIssuer(URL)
    claims = issuer.verify(issuer.issue("ann", [], 60))
    assert claims
    assert abs(claims.expires - time.time() - 60) < 5


@pytest.mark.parametrize("made", TYPES)
@pytest.mark.parametrize("wanted", TYPES)
def test_tokens_are_valid_only_as_their_type(
    issuer: TokenIssuer, made: TokenType, wanted: TokenType
) -> None:
    token = issuer.issue("ann", [], 60, token_type=made)
    assert (issuer.verify(token, wanted) is not None) == (made == wanted)


def test_access_tokens_are_the_default(issuer: TokenIssuer) -> None:
    assert issuer.verify(issuer.issue("ann", [], 60, token_type="Refresh")) is None


def test_issuers_with_the_same_key_accept_each_others_tokens(clock: CallableClock) -> None:
    token = TokenIssuer(URL, clock, key=KEY).issue("ann", [], 60)
    # A restarted sandbox has another port.
    assert TokenIssuer("http://127.0.0.1:9/auth/realms/sandbox", clock, key=KEY).verify(token)
    assert TokenIssuer(URL, clock, key=b"x" * 32).verify(token) is None


def test_issuers_have_different_keys(clock: CallableClock) -> None:
    token = TokenIssuer(URL, clock).issue("ann", [], 60)
    assert TokenIssuer(URL, clock).verify(token) is None


@pytest.mark.parametrize("key", [b"", b"k" * 31])
def test_short_keys_are_rejected(key: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        TokenIssuer(URL, key=key)


def test_tampered_tokens_are_rejected(issuer: TokenIssuer) -> None:
    header, claims, signature = issuer.issue("ann", [], 60).split(".")
    changed = payload(f"{header}.{claims}.{signature}") | {"realm_access": {"roles": ["admin"]}}
    forged = encoded(msgspec.json.encode(changed))
    assert issuer.verify(f"{header}.{forged}.{signature}") is None
    assert issuer.verify(f"{header}.{claims}.") is None
    assert issuer.verify(f"{header}.{claims}") is None
    assert issuer.verify(jwt.encode(changed, "", "none")) is None


def test_all_claims_are_required(clock: CallableClock) -> None:
    issuer = TokenIssuer(URL, clock, key=KEY)
    good = payload(issuer.issue("ann", [], 60, token_type="Refresh"))

    def verify(claims: dict[str, Any]) -> Claims | None:
        return issuer.verify(jwt.encode(claims, KEY, "HS256"), "Refresh")

    assert verify(good)
    for name in ("exp", "typ", "preferred_username", "realm_access"):
        assert verify({key: value for key, value in good.items() if key != name}) is None
        assert verify(good | {name: [1]}) is None
    assert issuer.verify(jwt.encode(good, KEY + b"k" * 32, "HS512"), "Refresh") is None


def test_clients_can_verify_access_tokens(issuer: TokenIssuer) -> None:
    token = issuer.issue("ann", [], 60)
    assert jwt.get_unverified_header(token) == {
        "alg": "RS256",
        "typ": "JWT",
        "kid": issuer.key_id,
    }
    pem = f"-----BEGIN PUBLIC KEY-----\n{issuer.public_key}\n-----END PUBLIC KEY-----"
    for key in (pem, jwt.PyJWK(issuer.public_jwk).key):
        options: Any = {"verify_exp": False, "verify_iat": False}
        claims = jwt.decode(token, key, ["RS256"], options=options, audience="account")
        assert claims["preferred_username"] == "ann"


def test_the_public_key_cannot_sign_tokens(clock: CallableClock) -> None:
    """If it were used as a symmetric key, anyone could issue tokens."""
    issuer = TokenIssuer(URL, clock, key=KEY)
    header = jwt.get_unverified_header(issuer.issue("ann", [], 60)) | {"alg": "HS256"}
    claims = payload(issuer.issue("ann", [], 60))
    signed = ".".join(encoded(msgspec.json.encode(part)) for part in (header, claims))
    for key in (base64.b64decode(issuer.public_key), issuer.public_key.encode(), KEY):
        # PyJWT refuses to sign with such keys.
        signature = hmac.digest(key, signed.encode(), "sha256")
        assert issuer.verify(f"{signed}.{encoded(signature)}") is None


def test_access_tokens_name_their_key(clock: CallableClock) -> None:
    signing_key, issuer = new_signing_key(), TokenIssuer(URL, clock, key=KEY)
    private: Any = serialization.load_der_private_key(signing_key, None)
    good = payload(issuer.issue("ann", [], 60))
    assert issuer.verify(jwt.encode(good, private, "RS256", {"kid": issuer.key_id}))
    for headers in (None, {"kid": "x"}):
        assert issuer.verify(jwt.encode(good, private, "RS256", headers)) is None


def test_other_kinds_of_keys_are_rejected() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(TypeError, match="RSA"):
        TokenIssuer(URL, signing_key=key)


DEEP = encoded(b'{"alg":' + b"[" * 40_000)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "é", "\0", "\ud800", f"{DEEP}.e30.e30"])
def test_other_text_is_not_a_token(issuer: TokenIssuer, token: str) -> None:
    assert issuer.verify(token) is None


@settings(derandomize=True, deadline=None, database=None, max_examples=50)
@given(header=st.binary(), body=st.binary(), rest=st.text())
def test_random_text_is_not_a_token(header: bytes, body: bytes, rest: str) -> None:
    issuer = TokenIssuer(URL)
    parts = [encoded(part) for part in (header, body)]
    assert issuer.verify(".".join([*parts, rest])) is None
    assert issuer.verify(rest) is None


def test_roles_do_not_imply_each_other() -> None:
    assert roles_of() == ()
    assert roles_of("admin") == ("entity-registry-admin",)
    assert roles_of("write", "read", "write") == ("entity-registry-write", "entity-registry-read")


@pytest.mark.parametrize("name", ["", "Read", "entity-registry-read", "owner"])
def test_unknown_roles_are_rejected(name: str) -> None:
    with pytest.raises(ValueError, match=f"role {name!r} is unknown; "):
        roles_of("read", name)
