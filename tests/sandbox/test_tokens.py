"""The tokens of the sandbox."""

from __future__ import annotations

import base64
import math
import time
from typing import Any, get_args

import jwt
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prov_facade.sandbox._tokens import Claims, TokenIssuer, TokenType, roles_of

URL = "http://127.0.0.1:8000/auth/realms/sandbox"
KEY = b"k" * 32
TYPES: tuple[TokenType, ...] = get_args(TokenType)
NOT_SIGNED: Any = {"verify_signature": False}


class Clock:
    def __init__(self, time: float) -> None:
        self.time = time

    def __call__(self) -> float:
        return self.time


# Far from the time of the machine, on either side: nothing is to look at that.
@pytest.fixture(params=[1_000_000_000.25, 4_000_000_000.25])
def clock(request: pytest.FixtureRequest) -> Clock:
    return Clock(request.param)


@pytest.fixture
def issuer(clock: Clock) -> TokenIssuer:
    return TokenIssuer(URL, clock)


def payload(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options=NOT_SIGNED)
    return found


def test_a_token_says_whose_it_is(issuer: TokenIssuer, clock: Clock) -> None:
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


def test_claims_have_the_names_of_keycloak(issuer: TokenIssuer, clock: Clock) -> None:
    token = issuer.issue("ann", ["a", "b", "a"], 60, client_id="tool", session="s")
    found = payload(token)
    assert found["realm_access"] == {"roles": ["a", "b"]}
    assert (found["preferred_username"], found["email"]) == ("ann", None)
    assert (found["iss"], found["typ"], found["azp"], found["sid"]) == (URL, "Bearer", "tool", "s")
    assert (found["iat"], found["exp"]) == (int(clock.time), clock.time + 60)
    assert found["sub"] == payload(issuer.issue("ann", [], 1))["sub"]
    assert found["sub"] != payload(issuer.issue("bob", [], 1))["sub"]


def test_no_two_tokens_are_the_same(issuer: TokenIssuer) -> None:
    assert len({issuer.issue("ann", [], 60) for _ in range(20)}) == 20


def test_a_token_runs_out(issuer: TokenIssuer, clock: Clock) -> None:
    token = issuer.issue("ann", [], 0.5)
    clock.time += 0.49
    assert issuer.verify(token)
    clock.time += 0.01
    assert issuer.verify(token) is None


@pytest.mark.parametrize("expires_in", [0, -1, -5e9])
def test_a_token_may_have_run_out_from_the_start(issuer: TokenIssuer, expires_in: float) -> None:
    assert issuer.verify(issuer.issue("ann", [], expires_in)) is None


@pytest.mark.parametrize("expires_in", [math.inf, -math.inf, math.nan])
def test_a_token_must_run_out(issuer: TokenIssuer, expires_in: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        issuer.issue("ann", [], expires_in)


def test_the_clock_of_the_machine_is_the_default() -> None:
    issuer = TokenIssuer(URL)
    claims = issuer.verify(issuer.issue("ann", [], 60))
    assert claims
    assert abs(claims.expires - time.time() - 60) < 5


@pytest.mark.parametrize("made", TYPES)
@pytest.mark.parametrize("wanted", TYPES)
def test_a_token_is_good_for_its_use_alone(
    issuer: TokenIssuer, made: TokenType, wanted: TokenType
) -> None:
    token = issuer.issue("ann", [], 60, token_type=made)
    assert (issuer.verify(token, wanted) is not None) == (made == wanted)


def test_an_access_token_is_what_is_expected(issuer: TokenIssuer) -> None:
    assert issuer.verify(issuer.issue("ann", [], 60, token_type="Refresh")) is None


def test_a_key_of_ones_own_outlives_the_issuer(clock: Clock) -> None:
    token = TokenIssuer(URL, clock, key=KEY).issue("ann", [], 60)
    # Started again, the sandbox has another port.
    assert TokenIssuer("http://127.0.0.1:9/auth/realms/sandbox", clock, key=KEY).verify(token)
    assert TokenIssuer(URL, clock, key=b"x" * 32).verify(token) is None


def test_each_issuer_has_a_key(clock: Clock) -> None:
    token = TokenIssuer(URL, clock).issue("ann", [], 60)
    assert TokenIssuer(URL, clock).verify(token) is None


@pytest.mark.parametrize("key", [b"", b"k" * 31])
def test_a_key_must_be_long_enough(key: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        TokenIssuer(URL, key=key)


def test_a_token_cannot_be_changed(issuer: TokenIssuer) -> None:
    header, claims, signature = issuer.issue("ann", [], 60).split(".")
    changed = payload(f"{header}.{claims}.{signature}") | {"realm_access": {"roles": ["admin"]}}
    forged = base64.urlsafe_b64encode(msgspec.json.encode(changed)).rstrip(b"=").decode()
    assert issuer.verify(f"{header}.{forged}.{signature}") is None
    assert issuer.verify(f"{header}.{claims}.") is None
    assert issuer.verify(f"{header}.{claims}") is None
    assert issuer.verify(jwt.encode(changed, "", "none")) is None


def test_claims_must_be_those_of_a_token(clock: Clock) -> None:
    issuer = TokenIssuer(URL, clock, key=KEY)
    good = payload(issuer.issue("ann", [], 60))
    assert issuer.verify(jwt.encode(good, KEY, "HS256"))
    for name in ("exp", "typ", "preferred_username", "realm_access"):
        lacking = {key: value for key, value in good.items() if key != name}
        assert issuer.verify(jwt.encode(lacking, KEY, "HS256")) is None
        assert issuer.verify(jwt.encode(good | {name: [1]}, KEY, "HS256")) is None
    assert issuer.verify(jwt.encode(good, KEY + b"k" * 32, "HS512")) is None


DEEP = base64.urlsafe_b64encode(b'{"alg":' + b"[" * 40_000).rstrip(b"=").decode()


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "é", "\0", "\ud800", f"{DEEP}.e30.e30"])
def test_what_is_no_token_is_not_taken(issuer: TokenIssuer, token: str) -> None:
    assert issuer.verify(token) is None


@settings(derandomize=True, deadline=None, database=None)
@given(header=st.binary(), body=st.binary(), rest=st.text())
def test_no_text_is_taken_for_a_token(header: bytes, body: bytes, rest: str) -> None:
    issuer = TokenIssuer(URL)
    parts = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, body)]
    assert issuer.verify(".".join([*parts, rest])) is None
    assert issuer.verify(rest) is None


def test_roles_are_exactly_those_that_are_named() -> None:
    assert roles_of() == ()
    assert roles_of("admin") == ("entity-registry-admin",)
    assert roles_of("write", "read", "write") == ("entity-registry-write", "entity-registry-read")


@pytest.mark.parametrize("name", ["", "Read", "entity-registry-read", "owner"])
def test_other_roles_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"is not a role: there are read, write, admin$"):
        roles_of("read", name)
