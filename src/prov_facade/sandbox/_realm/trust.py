"""Verifies the tokens of another issuer with its public keys, as a deployed server does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import msgspec
from attrs import field, frozen

from prov_api_client.types import prepare
from prov_facade._http.proxies import open_client
from prov_facade.errors import ConfigError
from prov_facade.sandbox._http.claims import Claims

_TIMEOUT = 10.0
_UNCHECKED = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}


class IssuerError(Exception):
    """The keys of an issuer cannot be fetched. The message is a single line."""


@frozen
class _Metadata:
    """The fields of an OpenID Connect discovery document that are used here."""

    issuer: str
    jwks_uri: str


@frozen
class _RealmAccess:
    roles: tuple[str, ...] = ()


@frozen
class _Payload:
    """The claims of an access token, with the names of Keycloak and of RFC 9068."""

    exp: float
    iss: str
    sub: str
    nbf: float = 0
    typ: str | None = None
    preferred_username: str | None = None
    email: str | None = None
    realm_access: _RealmAccess = field(factory=_RealmAccess)
    azp: str | None = None
    client_id: str | None = None
    jti: str = ""
    sid: str = ""


prepare(_Metadata, _Payload)


class TrustedIssuer:
    """An issuer whose access tokens are accepted: JWTs signed with RS256.

    The constructor fetches its keys; they are never fetched again. The audience of tokens
    (``aud``) is not checked.

    Args:
        issuer_url: The URL of the issuer; its discovery document is below it.
        now: The clock.

    Raises:
        IssuerError: If the keys cannot be fetched, or none of them is for RS256.
    """

    def __init__(self, issuer_url: str, now: Callable[[], float] = time.time) -> None:
        self._now = now
        url = issuer_url.rstrip("/")
        document = _fetch(f"{url}/.well-known/openid-configuration")
        try:
            metadata = msgspec.convert(document, _Metadata)
        except msgspec.ValidationError as error:
            raise IssuerError(f"the discovery document of {url} is not valid: {error}") from None
        if metadata.issuer.rstrip("/") != url:
            raise IssuerError(f"the issuer at {url} is {metadata.issuer!r}: use that URL instead")
        self._issuer = metadata.issuer
        self._keys = _signing_keys(_fetch(metadata.jwks_uri))
        if not self._keys:
            raise IssuerError(f"{metadata.jwks_uri} contains no key for RS256")

    def verify(self, token: str) -> Claims | None:
        """Verify a token.

        Args:
            token: The token.

        Returns:
            The claims; ``None`` if the token is not an access token of this issuer, has been
            tampered with, or has expired.
        """
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys[header["kid"]]
            decoded = jwt.decode(token, key, ["RS256"], options=_UNCHECKED)  # type: ignore[arg-type]
            payload = msgspec.convert(decoded, _Payload)
        # Malformed tokens can raise any of these. Older versions of PyJWT do not handle deeply
        # nested headers.
        except (
            jwt.PyJWTError,
            msgspec.ValidationError,
            LookupError,
            ValueError,
            RecursionError,
        ):
            return None
        if not _is_access_token(header, payload) or payload.iss != self._issuer:
            return None
        if not payload.nbf <= self._now() < payload.exp:
            return None
        return Claims(
            username=payload.preferred_username or payload.sub,
            email=payload.email,
            roles=payload.realm_access.roles,
            expires=payload.exp,
            client_id=payload.azp or payload.client_id or "",
            token_id=payload.jti,
            session=payload.sid,
        )


def _is_access_token(header: dict[str, Any], payload: _Payload) -> bool:
    """Distinguish an access token from an ID token, which is signed with the same keys.

    RFC 9068 marks access tokens in the header, Keycloak in the claims.
    """
    return (
        str(header.get("typ")).lower().removeprefix("application/") == "at+jwt"
        or payload.typ == "Bearer"
    )


def _fetch(url: str) -> Any:
    try:
        with open_client(url, proxy=None, verify=None, timeout=_TIMEOUT) as http:
            response = http.get(url)
    except (httpx.HTTPError, httpx.InvalidURL, ConfigError) as error:
        raise IssuerError(
            f"{url} cannot be fetched: {str(error) or type(error).__name__}"
        ) from error
    if not response.is_success:
        raise IssuerError(f"{url} responded with status {response.status_code}")
    try:
        return msgspec.json.decode(response.content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise IssuerError(f"{url} is not JSON") from error


def _signing_keys(document: Any) -> dict[str, Any]:
    """Return the keys for RS256 by their ids; others are ignored."""
    try:
        keys = jwt.PyJWKSet.from_dict(document).keys
    # Older versions of PyJWT do not handle all errors in keys.
    except (jwt.PyJWTError, AttributeError, TypeError, ValueError):
        return {}
    return {
        key.key_id: key.key
        for key in keys
        if key.key_type == "RSA" and key.public_key_use in (None, "sig") and key.key_id is not None
    }
