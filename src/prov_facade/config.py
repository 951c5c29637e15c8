"""The addresses of a Provena deployment."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx
from attrs import field, frozen

from prov_facade._checks import check_bool
from prov_facade.errors import ConfigError

_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
# Without surrogates, which represent bytes that are not UTF-8.
_REALM = re.compile(r"[^\s/?#\ud800-\udfff]+")
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*(:[0-9]{{1,5}})?", re.IGNORECASE)


@frozen(kw_only=True)
class APIOverrides:
    """Addresses that differ from those derived from the domain of a deployment.

    Each is an absolute ``http`` or ``https`` URL, or ``None`` for the derived address. A trailing
    slash is ignored.

    Attributes:
        prov_api_endpoint_override: The prov-api.
        jobs_service_api_endpoint_override: The job-api.
        registry_api_endpoint_override: The registry.
        keycloak_endpoint_override: The Keycloak realm, with its path.
        allow_http: Whether to allow ``http`` to other machines. Tokens are then sent unencrypted.

    Raises:
        ConfigError: If an override is not such a URL.
    """

    prov_api_endpoint_override: str | None = None
    jobs_service_api_endpoint_override: str | None = None
    registry_api_endpoint_override: str | None = None
    keycloak_endpoint_override: str | None = None
    allow_http: bool = False

    def __attrs_post_init__(self) -> None:
        check_bool("allow_http", self.allow_http)
        for attribute in self.__attrs_attrs__:
            url = getattr(self, attribute.name)
            if url is not None and attribute.name != "allow_http":
                check_address(attribute.name, url, allow_http=self.allow_http)


@frozen
class Config:
    """A Provena deployment.

    Attributes:
        domain: The domain of the deployment, such as ``"provena.example.org"``, from which the
            addresses of its services are derived.
        realm_name: The name of the Keycloak realm in which users sign in.
        api_overrides: Addresses that differ from the derived ones.

    Raises:
        ConfigError: If the domain or the realm is empty or malformed.
    """

    domain: str
    realm_name: str
    api_overrides: APIOverrides = field(factory=APIOverrides)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.domain, str) or not _DOMAIN.fullmatch(self.domain):
            raise ConfigError(
                f"{_quoted(self.domain)} is not a domain: give a bare host name such as"
                " 'provena.example.org', without 'https://' and without a path"
            )
        _check_url("domain", f"https://{self.domain}")
        if not isinstance(self.realm_name, str) or not _REALM.fullmatch(self.realm_name):
            raise ConfigError(f"{_quoted(self.realm_name)} is not the name of a Keycloak realm")
        if not isinstance(self.api_overrides, APIOverrides):
            raise ConfigError("api_overrides must be an APIOverrides")

    @property
    def prov_api_endpoint(self) -> str:
        """The address of the prov-api."""
        return self._address("prov-api", self.api_overrides.prov_api_endpoint_override)

    @property
    def job_api_endpoint(self) -> str:
        """The address of the job-api."""
        return self._address("job-api", self.api_overrides.jobs_service_api_endpoint_override)

    @property
    def jobs_service_api_endpoint(self) -> str:
        """The address of the job-api, under its name in provenaclient."""
        return self.job_api_endpoint

    @property
    def registry_api_endpoint(self) -> str:
        """The address of the registry."""
        return self._address("registry-api", self.api_overrides.registry_api_endpoint_override)

    @property
    def keycloak_endpoint(self) -> str:
        """The address of the Keycloak realm."""
        override = self.api_overrides.keycloak_endpoint_override
        if override is not None:
            return override.rstrip("/")
        return f"https://auth.{self.domain}/auth/realms/{self.realm_name}"

    def _address(self, host: str, override: str | None) -> str:
        return override.rstrip("/") if override is not None else f"https://{host}.{self.domain}"


def check_address(name: str, url: str, *, allow_http: bool) -> None:
    """Check that a URL is the address of a service, and that tokens may be sent there.

    Args:
        name: The name of the setting, for error messages.
        url: The URL.
        allow_http: Whether tokens may be sent to other machines unencrypted.

    Raises:
        ConfigError: If either check fails.
    """
    _check_url(name, url)
    if not allow_http:
        _check_encryption(name, url)


def _check_url(name: str, url: object) -> None:
    """Check that a URL is the address of a service.

    Error messages never contain the user information of a URL, which may include a password.
    """
    expected = f"{name} must be an absolute http:// or https:// URL"
    if not isinstance(url, str):
        raise ConfigError(f"{expected}, not {type(url).__name__}")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        httpx.URL(url)  # checks hosts more strictly
    except (ValueError, httpx.InvalidURL) as error:
        if "@" in url:
            raise ConfigError(expected) from None
        raise ConfigError(f"{expected}: {error}") from error
    if "@" in parts.netloc:
        raise ConfigError(
            f"{expected} without a user name or password: pass these to an auth manager"
        )
    if parts.scheme not in ("http", "https") or not host or re.search(r"[\s\x00-\x1f\x7f]", url):
        raise ConfigError(
            f"{expected}, such as 'https://prov-api.provena.example.org'; got {_quoted(url)}"
        )
    if parts.query or parts.fragment:
        raise ConfigError(f"{expected} without a query or fragment; got {_quoted(url)}")


def _check_encryption(name: str, url: str) -> None:
    """Check that tokens sent to a URL are encrypted."""
    parts = urlsplit(url)
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise ConfigError(
            f"{name} is {_quoted(url)}: with http, tokens are sent unencrypted. Use https, or set"
            " allow_http=True"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _quoted(value: object) -> str:
    """Quote a value in a message, unless it may be a URL with a password."""
    return "the value" if "@" in str(value) else repr(value)
