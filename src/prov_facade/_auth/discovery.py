"""The endpoint addresses of a realm."""

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
_PATH = "/protocol/openid-connect"


@frozen
class Endpoints:
    """The addresses of a realm's endpoints.

    Attributes:
        token: Issues tokens.
        device_authorization: Issues a code for a user to approve.
        revocation: Revokes tokens.
        secret_in_header: Whether the realm accepts a client secret only in the header, not in the
            form.
    """

    token: str
    device_authorization: str
    revocation: str
    secret_in_header: bool = False

    @classmethod
    def keycloak_defaults(cls, config: Config) -> Endpoints:
        """Return the default addresses of a Keycloak realm."""
        base = config.keycloak_endpoint + _PATH
        return cls(f"{base}/token", f"{base}/auth/device", f"{base}/revoke")


class _Metadata(msgspec.Struct):
    """The fields of an OpenID Connect Discovery document that are used."""

    issuer: str
    token_endpoint: str | None = None
    device_authorization_endpoint: str | None = None
    revocation_endpoint: str | None = None
    token_endpoint_auth_methods_supported: list[str] | None = None


prepare(_Metadata)


def discover(config: Config, get: Callable[[str], httpx.Response], error_prefix: str) -> Endpoints:
    """Find the endpoints of a realm.

    Args:
        config: The deployment, with the address of the realm.
        get: Sends a GET request.
        error_prefix: The beginning of an error message.

    Returns:
        The endpoints in the realm's discovery document. The defaults of Keycloak if there is no
        document, or if it describes another realm, or names an address to which no token may be
        sent.

    Raises:
        CredentialsError: If the realm fails.
    """
    defaults = Endpoints.keycloak_defaults(config)
    response = get(f"{config.keycloak_endpoint}/.well-known/openid-configuration")
    if response.is_server_error:
        # The realm may have a document with other addresses than the defaults.
        raise CredentialsError(
            f"{error_prefix}: the request for its endpoints failed with status"
            f" {response.status_code}. Try again later",
            response=httpx.Response(response.status_code, request=response.request),
        )
    if not response.is_success:
        return defaults
    try:
        found = msgspec.json.decode(response.content, type=_Metadata)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        _LOG.warning("the discovery document of %s cannot be read", config.keycloak_endpoint)
        return defaults
    if found.issuer.rstrip("/") != config.keycloak_endpoint:
        # OpenID Connect Discovery 4.3. A realm behind a proxy may use another name for itself.
        _LOG.warning(
            "the discovery document of %s describes %r and is ignored",
            config.keycloak_endpoint,
            found.issuer,
        )
        return defaults
    try:
        for name in ("token_endpoint", "device_authorization_endpoint", "revocation_endpoint"):
            address = getattr(found, name)
            if address is not None:
                check_address(name, address, allow_http=config.api_overrides.allow_http)
    except ConfigError as error:
        # A realm behind a proxy may name the addresses of its internal network.
        _LOG.warning("the discovery document of %s is ignored: %s", config.keycloak_endpoint, error)
        return defaults
    methods = found.token_endpoint_auth_methods_supported
    return Endpoints(
        token=found.token_endpoint or defaults.token,
        device_authorization=found.device_authorization_endpoint or defaults.device_authorization,
        revocation=found.revocation_endpoint or defaults.revocation,
        secret_in_header=methods is None or "client_secret_post" not in methods,
    )
