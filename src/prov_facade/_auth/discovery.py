"""The addresses of a realm."""

from __future__ import annotations

import logging
from collections.abc import Callable

import httpx
import msgspec
from attrs import frozen

from prov_api_client.types import prepare
from prov_facade.config import Config, check_address
from prov_facade.errors import ConfigError, CredentialsError

_LOG = logging.getLogger("prov_facade")
_BELOW = "/protocol/openid-connect"


@frozen
class Endpoints:
    """Where a realm is asked for what.

    Attributes:
        token: Tokens.
        device_authorization: A code for a person to approve.
        revocation: The end of a token.
        secret_in_header: Whether the secret of a client has to be in the header rather than in the
            form, since the realm takes it only there.
    """

    token: str
    device_authorization: str
    revocation: str
    secret_in_header: bool = False

    @classmethod
    def of_keycloak(cls, config: Config) -> Endpoints:
        """Return the addresses that a realm of Keycloak has."""
        base = config.keycloak_endpoint + _BELOW
        return cls(f"{base}/token", f"{base}/auth/device", f"{base}/revoke")


class _Metadata(msgspec.Struct):
    """What OpenID Connect Discovery says of a realm, as far as it matters here."""

    issuer: str
    token_endpoint: str | None = None
    device_authorization_endpoint: str | None = None
    revocation_endpoint: str | None = None
    token_endpoint_auth_methods_supported: list[str] | None = None


prepare(_Metadata)


def find(
    config: Config,
    http: httpx.Client,
    unless_busy: Callable[[httpx.Response], httpx.Response],
    attempt: str,
) -> Endpoints:
    """Find out where a realm is asked for what.

    Args:
        config: The deployment. Its address of the realm is the beginning of all.
        http: What asks.
        unless_busy: Refuses an answer that asks to be asked later.
        attempt: What a message calls the whole undertaking.

    Returns:
        The addresses that the realm names in its discovery document, and those that Keycloak would
        have where it has none, or one that is about another realm.

    Raises:
        CredentialsError: If the document names an address to which no token may be sent, or the
            realm fails.
        httpx.HTTPError: If there is no answer.
    """
    usual = Endpoints.of_keycloak(config)
    response = unless_busy(http.get(f"{config.keycloak_endpoint}/.well-known/openid-configuration"))
    if response.is_server_error:
        # Which of its addresses it has is not known now, and a guess could be wrong.
        raise CredentialsError(
            f"{attempt}: it was answered with status {response.status_code} when asked for its"
            " addresses. Try again later",
            response=httpx.Response(response.status_code, request=response.request),
        )
    if not response.is_success:
        return usual
    try:
        found = msgspec.json.decode(response.content, type=_Metadata)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        _LOG.warning("%s has a discovery document that cannot be read", config.keycloak_endpoint)
        return usual
    if found.issuer.rstrip("/") != config.keycloak_endpoint:
        # OpenID Connect Discovery 4.3. Those behind a proxy may call themselves something else.
        _LOG.warning(
            "%s has a discovery document that is about %r, and is passed over",
            config.keycloak_endpoint,
            found.issuer,
        )
        return usual
    for name in ("token_endpoint", "device_authorization_endpoint", "revocation_endpoint"):
        address = getattr(found, name)
        if address is not None:
            _check(name, address, config)
    methods = found.token_endpoint_auth_methods_supported
    return Endpoints(
        token=found.token_endpoint or usual.token,
        device_authorization=found.device_authorization_endpoint or usual.device_authorization,
        revocation=found.revocation_endpoint or usual.revocation,
        secret_in_header=methods is None or "client_secret_post" not in methods,
    )


def _check(name: str, address: str, config: Config) -> None:
    try:
        check_address(name, address, allow_http=config.api_overrides.allow_http)
    except ConfigError as error:
        raise CredentialsError(
            f"the realm {config.keycloak_endpoint} names an address that cannot be used: {error}"
        ) from None
