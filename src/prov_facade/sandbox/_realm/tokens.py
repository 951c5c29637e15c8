"""Issues and verifies the tokens of the sandbox: JWTs with Keycloak's claims.

Like Keycloak's, access tokens are signed with RS256, so that clients can verify them with the
public key of the realm; tokens that only the realm reads are signed with a symmetric key.
"""

from __future__ import annotations

import base64
import hashlib
import math
import secrets
import time
import uuid
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Literal, TypeAlias

import jwt
import msgspec
from attrs import frozen
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)

from prov_api_client.types import prepare
from prov_facade._checks import check_choice
from prov_facade.sandbox._http.claims import Claims

TokenType: TypeAlias = Literal["Bearer", "Refresh", "Offline"]

ROLES = {
    "read": "entity-registry-read",
    "write": "entity-registry-write",
    "admin": "entity-registry-admin",
}
"""The realm roles of the prov-api by their short names."""

_LIFETIME = 3600.0
_MIN_KEY_SIZE = 32  # RFC 7518: as long as the hash
_DER, _PKCS8 = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
_SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


@frozen
class _RealmAccess:
    roles: tuple[str, ...]


@frozen
class _Payload:
    """The claims with the names that Keycloak uses."""

    exp: float
    iat: int
    jti: str
    iss: str
    sub: str
    typ: TokenType
    azp: str
    sid: str
    preferred_username: str
    realm_access: _RealmAccess
    email: str | None = None
    aud: str = "account"
    scope: str = "profile email"


prepare(_Payload)


@cache
def new_signing_key() -> bytes:
    """Return a private key for access tokens, in DER.

    The whole process shares one, since generating a key takes longer than starting a sandbox.
    Issuers use different key ids.
    """
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(_DER, _PKCS8, serialization.NoEncryption())


@cache
def _loaded(signing_key: bytes) -> RSAPrivateKey:
    key = serialization.load_der_private_key(signing_key, None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("the signing key is not an RSA key")
    return key


class TokenIssuer:
    """Issues and verifies tokens.

    Args:
        issuer_url: The URL of the realm, which is the issuer in tokens.
        now: The clock.
        key: The secret of the issuer, of at least 32 bytes. Without it, a new secret is generated,
            and later issuers do not accept its tokens.
        signing_key: The key that signs access tokens, see :func:`new_signing_key`.

    Attributes:
        refresh_key: The key that signs refresh tokens; ``key`` by default. Changing it makes the
            refresh tokens issued so far invalid.

    Raises:
        ValueError: If the key is too short.
    """

    def __init__(
        self,
        issuer_url: str,
        now: Callable[[], float] = time.time,
        *,
        key: bytes | None = None,
        signing_key: bytes | None = None,
    ) -> None:
        if key is not None and len(key) < _MIN_KEY_SIZE:
            raise ValueError(f"the key must have at least {_MIN_KEY_SIZE} bytes")
        self.issuer_url = issuer_url.rstrip("/")
        self.now = now
        self._key = self.refresh_key = key or secrets.token_bytes(_MIN_KEY_SIZE)
        # As bytes, which can be pickled.
        self._signing_key = signing_key or new_signing_key()
        _loaded(self._signing_key)
        digest = hashlib.sha256(b"key id" + self._key).digest()
        self.key_id = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    @property
    def _public_key(self) -> RSAPublicKey:
        return _loaded(self._signing_key).public_key()

    @property
    def public_key(self) -> str:
        """The public key of access tokens in Keycloak's format: base64 of DER."""
        return base64.b64encode(self._public_key.public_bytes(_DER, _SPKI)).decode()

    @property
    def public_jwk(self) -> dict[str, Any]:
        """The public key of access tokens as a JWK (RFC 7517)."""
        numbers = jwt.algorithms.RSAAlgorithm.to_jwk(self._public_key, as_dict=True)
        named = {"kid": self.key_id, "kty": "RSA", "alg": "RS256", "use": "sig"}
        return named | {name: numbers[name] for name in ("n", "e")}

    def issue(
        self,
        username: str,
        roles: Iterable[str],
        expires_in: float,
        *,
        email: str | None = None,
        client_id: str = "sandbox",
        token_type: TokenType = "Bearer",  # noqa: S107 - a token type, not a token
        session: str | None = None,
    ) -> str:
        """Issue a token.

        Args:
            username: The user name.
            roles: Realm roles, see :func:`roles_of`.
            expires_in: The lifetime in seconds. Unless positive, the token is already expired.
            email: The user's email address.
            client_id: The client that the token is issued to.
            token_type: ``Bearer`` for access tokens, which APIs accept; the other types refresh
                them.
            session: The id of the session; a new one by default.

        Returns:
            The token.

        Raises:
            ValueError: If ``expires_in`` is not a finite number.
        """
        if not math.isfinite(expires_in):
            raise ValueError("expires_in must be a finite number of seconds")
        now = self.now()
        payload = _Payload(
            exp=now + expires_in,
            iat=int(now),
            jti=str(uuid.uuid4()),
            iss=self.issuer_url,
            sub=str(uuid.uuid5(uuid.NAMESPACE_URL, username)),
            typ=token_type,
            azp=client_id,
            sid=session or str(uuid.uuid4()),
            preferred_username=username,
            realm_access=_RealmAccess(tuple(dict.fromkeys(roles))),
            email=email,
        )
        claims = msgspec.to_builtins(payload)
        if token_type == "Bearer":  # noqa: S105 - a token type, not a token
            return jwt.encode(claims, _loaded(self._signing_key), "RS256", {"kid": self.key_id})
        return jwt.encode(claims, self.refresh_key, "HS256")

    def verify(self, token: str, token_type: TokenType = "Bearer") -> Claims | None:  # noqa: S107
        """Verify a token.

        Args:
            token: The token.
            token_type: The required type.

        Returns:
            The claims; ``None`` if the token was issued by another issuer, has been tampered with,
            has expired or has another type.
        """
        try:
            decoded = jwt.decode(
                token,
                *self._key_for(token, token_type),
                # PyJWT would use the system clock. The URL of the issuer is not checked
                # either: a restarted sandbox has another port.
                options={
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "verify_aud": False,
                },
            )
            payload = msgspec.convert(decoded, _Payload)
        # Malformed tokens can raise any of these. Older versions of PyJWT do not handle deeply
        # nested headers.
        except (jwt.PyJWTError, msgspec.ValidationError, ValueError, RecursionError):
            return None
        if payload.typ != token_type or payload.exp <= self.now():
            return None
        return Claims(
            username=payload.preferred_username,
            email=payload.email,
            roles=payload.realm_access.roles,
            expires=payload.exp,
            client_id=payload.azp,
            token_id=payload.jti,
            session=payload.sid,
        )

    def _key_for(self, token: str, token_type: TokenType) -> tuple[Any, list[str]]:
        """Return the key that must have signed a token, and the algorithm."""
        if token_type != "Bearer":  # noqa: S105 - a token type, not a token
            return self.refresh_key, ["HS256"]
        if jwt.get_unverified_header(token).get("kid") != self.key_id:
            raise jwt.InvalidTokenError("The token is signed with another key")
        return self._public_key, ["RS256"]


class TokenSource:
    """A function that returns the current token of a user. It can be pickled.

    Args:
        issuer: Issues the tokens.
        username: The user name.
        roles: The short names of the roles.

    Raises:
        ValueError: If a role does not exist.
    """

    def __init__(self, issuer: TokenIssuer, username: str, roles: tuple[str, ...]) -> None:
        self._given = issuer, username, roles
        self._roles = roles_of(*roles)
        self._created, self._token = 0.0, ""

    def __call__(self) -> str:
        """Return the current token, and renew it before it expires."""
        # Cached, since signing a token is slower than many calls.
        if not self._token or time.monotonic() - self._created > _LIFETIME / 2:
            issuer, username, _ = self._given
            self._created = time.monotonic()
            self._token = issuer.issue(username, self._roles, _LIFETIME, email=email_of(username))
        return self._token

    def __reduce__(self) -> tuple[Any, ...]:
        return TokenSource, self._given


def email_of(username: str) -> str:
    """Return the email address of a user who has given none."""
    return f"{username}@example.org"


def roles_of(*names: str) -> tuple[str, ...]:
    """Return the realm roles with the given short names, and no others.

    Roles do not imply each other: a route that writes requires ``read`` and ``write``.

    Args:
        names: Any of ``read``, ``write`` and ``admin``.

    Raises:
        ValueError: If a name is not one of these.
    """
    for name in names:
        check_choice("role", name, ROLES, error=ValueError)
    return tuple(dict.fromkeys(ROLES[name] for name in names))
