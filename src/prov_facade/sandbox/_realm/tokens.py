"""Makes and checks the tokens of the sandbox: JWTs that have Keycloak's claims.

Like Keycloak's, access tokens are signed with RS256, so that clients can check them with the public
key of the realm; tokens that only the realm itself reads are signed with a shared key.
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
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from prov_api_client.types import prepare
from prov_facade.sandbox._http.claims import Claims

TokenType: TypeAlias = Literal["Bearer", "Refresh", "Offline"]

ROLES = {
    "read": "entity-registry-read",
    "write": "entity-registry-write",
    "admin": "entity-registry-admin",
}
"""The realm roles that prov-api knows, by their short names."""

_SHORTEST_KEY = 32  # RFC 7518: as long as the hash
_DER, _PKCS8 = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
_SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


@frozen
class _RealmAccess:
    roles: tuple[str, ...]


@frozen
class _Payload:
    """The claims, as Keycloak names them."""

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
    """Make a private key for access tokens, in DER.

    It is one for the whole process, since making it takes longer than starting a sandbox. Issuers
    are told apart by the ids of their keys.
    """
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(_DER, _PKCS8, serialization.NoEncryption())


@cache
def _loaded(signing_key: bytes) -> RSAPrivateKey:
    key = serialization.load_der_private_key(signing_key, None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("the signing key is not one of RSA")
    return key


class TokenIssuer:
    """Makes and checks tokens.

    Args:
        issuer_url: The address of the realm, which tokens name as their issuer.
        now: The clock.
        key: What the realm's own tokens are signed with, of at least 32 bytes. Without it, a new
            one: tokens do not outlive the issuer.
        signing_key: What access tokens are signed with, see :func:`new_signing_key`.

    Attributes:
        refresh_key: The key of the realm's own tokens. Another key makes those issued so far
            invalid.

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
        if key is not None and len(key) < _SHORTEST_KEY:
            raise ValueError(f"the key must have at least {_SHORTEST_KEY} bytes")
        self.issuer_url = issuer_url.rstrip("/")
        self.now = now
        self._key = self.refresh_key = key or secrets.token_bytes(_SHORTEST_KEY)
        self._signing_key = _loaded(signing_key or new_signing_key())
        self._public_key = self._signing_key.public_key()
        digest = hashlib.sha256(b"key id" + self._key).digest()
        self.key_id = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    @property
    def public_key(self) -> str:
        """The public key of access tokens, the way Keycloak shows it: base64 of DER."""
        return base64.b64encode(self._public_key.public_bytes(_DER, _SPKI)).decode()

    @property
    def public_jwk(self) -> dict[str, Any]:
        """The public key of access tokens, as RFC 7517 has it."""
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
        token_type: TokenType = "Bearer",  # noqa: S107 - a kind of token, not one
        session: str | None = None,
    ) -> str:
        """Make a token.

        Args:
            username: Whose it is.
            roles: Realm roles, see :func:`roles_of`.
            expires_in: For how many seconds it is good. It has run out already if this is not
                positive.
            email: Their address.
            client_id: The client that it is made for.
            token_type: ``Bearer`` is what APIs take; the others renew it.
            session: The sign-in that it comes of; without it, a new one.

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
        if token_type == "Bearer":  # noqa: S105 - a kind of token, not one
            return jwt.encode(claims, self._signing_key, "RS256", {"kid": self.key_id})
        return jwt.encode(claims, self.refresh_key, "HS256")

    def verify(self, token: str, token_type: TokenType = "Bearer") -> Claims | None:  # noqa: S107
        """Check a token.

        Args:
            token: The token.
            token_type: What it has to be.

        Returns:
            What it says; ``None`` if it is not a token of this issuer, has been tampered with, has
            run out or is of another type.
        """
        try:
            decoded = jwt.decode(
                token,
                *self._key_for(token, token_type),
                # PyJWT would look at the clock of the machine. Nor is the address of the issuer
                # checked: a sandbox that starts again has another port.
                options={
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "verify_aud": False,
                },
            )
            payload = msgspec.convert(decoded, _Payload)
        # Of what is no token, anything may be wrong. Older versions of PyJWT do not foresee that a
        # header is nested deeply.
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
        """Return the key that a token must be signed with, and the algorithm."""
        if token_type != "Bearer":  # noqa: S105 - a kind of token, not one
            return self.refresh_key, ["HS256"]
        if jwt.get_unverified_header(token).get("kid") != self.key_id:
            raise jwt.InvalidTokenError("The token is signed with another key")
        return self._public_key, ["RS256"]


def roles_of(*names: str) -> tuple[str, ...]:
    """Return the realm roles of short names: exactly those that are named.

    A role does not bring another along: a route that writes needs ``read`` and ``write``.

    Args:
        names: Of ``read``, ``write`` and ``admin``.

    Raises:
        ValueError: If a name is none of these.
    """
    for name in names:
        if name not in ROLES:
            raise ValueError(f"{name!r} is not a role: there are {', '.join(ROLES)}")
    return tuple(dict.fromkeys(ROLES[name] for name in names))
