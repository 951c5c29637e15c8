"""Makes clients from arguments, the environment and a configuration file."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypedDict, Unpack

import httpx

from prov_facade._async.client import ProvClient
from prov_facade._async.settings import EventHooks, Timeout
from prov_facade._auth.device_flow import DeviceFlow
from prov_facade._auth.flows import ClientCredentials, OfflineFlow
from prov_facade._auth.token_endpoint import Verify
from prov_facade._profiles.config_file import from_file
from prov_facade._profiles.settings import VARIABLES, Settings, from_environment
from prov_facade._runtime.aio.send import TransportLike
from prov_facade._sync.client import SyncProvClient
from prov_facade.auth import AuthManager, BearerToken
from prov_facade.config import APIOverrides, Config
from prov_facade.errors import ConfigError
from prov_facade.polling import PollPolicy
from prov_facade.retries import RetryPolicy


class _Common(TypedDict, total=False):
    timeout: Timeout
    retries: RetryPolicy | None
    limits: httpx.Limits | None
    proxy: str | httpx.URL | httpx.Proxy | None
    verify: Verify
    event_hooks: EventHooks | None
    polling: PollPolicy | None


class ClientSettings(_Common, total=False):
    """The settings of a :class:`~prov_facade.ProvClient`, which are told there."""

    transport: TransportLike | None


class SyncClientSettings(_Common, total=False):
    """The settings of a :class:`~prov_facade.SyncProvClient`, which are told there."""

    transport: httpx.BaseTransport | None


def connect(
    profile: str | None = None,
    *,
    domain: str | None = None,
    realm: str | None = None,
    client_id: str | None = None,
    token: str | Callable[[], str] | None = None,
    offline_token: str | None = None,
    offline_token_file: str | os.PathLike[str] | None = None,
    client_secret: str | None = None,
    api_overrides: APIOverrides | None = None,
    config_file: str | os.PathLike[str] | None = None,
    scope: str | None = None,
    **settings: Unpack[ClientSettings],
) -> ProvClient:
    """Make a client from arguments, environment variables and a configuration file.

    Nothing goes over the network before the first call of the client.

    Each of ``domain``, ``realm``, ``client_id``, ``scope`` and ``api_overrides`` comes from the
    first that names it:

    1. the arguments;
    2. the environment variables ``PROV_DOMAIN``, ``PROV_REALM`` and ``PROV_CLIENT_ID``, of which an
       empty one counts as not set; there are none for the scope and the overrides;
    3. the profile.

    The overrides are taken as a whole. They and the credential are not used for another deployment
    than the one that stands beside them: a ``domain`` or ``realm`` that departs from it is refused.

    The credential comes from the first of the same three that has one (``PROV_TOKEN``,
    ``PROV_OFFLINE_TOKEN``, ``PROV_CLIENT_SECRET``). If that has more than one, the first of these
    is used:

    1. ``token``: :class:`~prov_facade.BearerToken`, which needs no ``client_id``;
    2. ``offline_token`` or ``offline_token_file``: :class:`~prov_facade.OfflineFlow`, with the
       ``client_secret`` of any of the three, if there is one;
    3. ``client_secret``: :class:`~prov_facade.ClientCredentials`.

    If there is none anywhere, a person signs in: :class:`~prov_facade.DeviceFlow`.

    The configuration file is TOML. It has a table ``[profiles.NAME]`` for each profile, with the
    keys ``domain``, ``realm``, ``client_id``, ``scope``, ``token``, ``offline_token``,
    ``offline_token_file`` (relative to the configuration file, or with ``~``), ``client_secret``,
    and the attributes of :class:`~prov_facade.APIOverrides`. With a token or a secret in it, it
    must be for its owner alone.

    Args:
        profile: The profile to use; by default the one that ``PROV_PROFILE`` names, else the one
            named ``default``, if there is one.
        domain: The domain of the deployment.
        realm: The Keycloak realm in which people sign in.
        client_id: The client that people or programs sign in with.
        token: An access token, or a function that returns the current one.
        offline_token: A token that access tokens can be had for.
        offline_token_file: The file that it is in.
        client_secret: The secret of the client.
        api_overrides: Addresses that depart from those that the domain implies.
        config_file: The configuration file; by default the one that ``PROV_CONFIG_FILE`` names,
            else ``config.toml`` in the user's configuration directory (on Linux
            ``~/.config/prov-facade``), if there is one.
        scope: What to ask for when signing in.
        settings: As for :class:`~prov_facade.ProvClient`. ``verify`` is for signing in as well.

    Returns:
        The client.

    Raises:
        ConfigError: If the domain, the realm or a ``client_id`` that is needed is nowhere, if a
            profile or a file is named that is not there, or if something cannot be used.

    Examples:
        >>> async with connect("production") as client:
        ...     health = await client.get_health_check()
    """
    given = Settings(
        where="the arguments",
        domain=domain,
        realm=realm,
        client_id=client_id,
        scope=scope,
        token=token,
        offline_token=offline_token,
        offline_token_file=offline_token_file,
        client_secret=client_secret,
        api_overrides=api_overrides,
    )
    auth, config = _chosen(given, config_file, profile, settings.get("verify"))
    return ProvClient(auth, config, **settings)


def connect_sync(
    profile: str | None = None,
    *,
    domain: str | None = None,
    realm: str | None = None,
    client_id: str | None = None,
    token: str | Callable[[], str] | None = None,
    offline_token: str | None = None,
    offline_token_file: str | os.PathLike[str] | None = None,
    client_secret: str | None = None,
    api_overrides: APIOverrides | None = None,
    config_file: str | os.PathLike[str] | None = None,
    scope: str | None = None,
    **settings: Unpack[SyncClientSettings],
) -> SyncProvClient:
    """Make a synchronous client, as :func:`~prov_facade.connect` makes the other one.

    Args:
        profile: As for :func:`~prov_facade.connect`, like all that follow.
        domain: The domain of the deployment.
        realm: The Keycloak realm in which people sign in.
        client_id: The client that people or programs sign in with.
        token: An access token, or a function that returns the current one.
        offline_token: A token that access tokens can be had for.
        offline_token_file: The file that it is in.
        client_secret: The secret of the client.
        api_overrides: Addresses that depart from those that the domain implies.
        config_file: The configuration file.
        scope: What to ask for when signing in.
        settings: As for :class:`~prov_facade.SyncProvClient`. ``verify`` is for signing in as well.

    Returns:
        The client.

    Raises:
        ConfigError: As for :func:`~prov_facade.connect`.

    Examples:
        >>> with connect_sync("production") as client:
        ...     health = client.get_health_check()
    """
    given = Settings(
        where="the arguments",
        domain=domain,
        realm=realm,
        client_id=client_id,
        scope=scope,
        token=token,
        offline_token=offline_token,
        offline_token_file=offline_token_file,
        client_secret=client_secret,
        api_overrides=api_overrides,
    )
    auth, config = _chosen(given, config_file, profile, settings.get("verify"))
    return SyncProvClient(auth, config, **settings)


def _chosen(
    arguments: Settings,
    config_file: str | os.PathLike[str] | None,
    profile: str | None,
    verify: Verify,
) -> tuple[AuthManager, Config]:
    """Choose the auth manager and the deployment."""
    sources = (arguments, from_environment(), from_file(config_file, profile))
    config = _config(sources)
    return _auth(sources, config, verify), config


def _config(sources: Sequence[Settings]) -> Config:
    domain, domain_from = _first([(source.domain, source.where) for source in sources])
    realm, realm_from = _first([(source.realm, source.where) for source in sources])
    if domain is None or realm is None:
        missing = [name for name, value in (("domain", domain), ("realm", realm)) if value is None]
        raise ConfigError("; ".join(_nowhere(name, sources) for name in missing))
    overriding = next((each for each in sources if each.api_overrides is not None), None)
    overrides = overriding and overriding.api_overrides
    if overriding is not None:
        _check_same_deployment(overriding, "api_overrides", domain, realm)
    try:
        return Config(domain, realm, overrides or APIOverrides())
    except ConfigError as error:
        raise ConfigError(
            f"{error} (the domain is from {domain_from}, the realm from {realm_from})"
        ) from error


def _auth(sources: Sequence[Settings], config: Config, verify: Verify) -> AuthManager:
    credential = next((source for source in sources if source.has_credential), None)
    if credential is not None:
        _check_same_deployment(credential, "credential", config.domain, config.realm_name)
    if credential is not None and credential.token is not None:
        return BearerToken(credential.token)
    client_id, _ = _first([(source.client_id, source.where) for source in sources])
    secretive = next((source for source in sources if source.client_secret is not None), None)
    client_secret = None
    if secretive is not None and credential is not None:
        _check_same_deployment(secretive, "client_secret", config.domain, config.realm_name)
        client_secret = secretive.client_secret
    scope, _ = _first([(source.scope, source.where) for source in sources])
    if client_id is None:
        raise ConfigError(f"{_nowhere('client_id', sources)}. Only a token needs none")
    if credential is None:
        if scope is None:
            return DeviceFlow(config, client_id, verify=verify)
        return DeviceFlow(config, client_id, scope=scope, verify=verify)
    if credential.offline_token is not None or credential.offline_token_file is not None:
        return OfflineFlow(
            config,
            client_id,
            offline_token=credential.offline_token,
            offline_token_file=credential.offline_token_file,
            client_secret=client_secret,
            scope=scope,
            verify=verify,
        )
    assert client_secret is not None  # noqa: S101  (no other credential is left)
    return ClientCredentials(config, client_id, client_secret, scope=scope, verify=verify)


def _check_same_deployment(source: Settings, what: str, domain: str, realm: str) -> None:
    """Refuse to send to one deployment what a source says for another."""
    for name, own, used in (("domain", source.domain, domain), ("realm", source.realm, realm)):
        if own is not None and own != used:
            raise ConfigError(
                f"the {what} of {source.where} is for the {name} {own!r}, and {used!r} is asked"
                f" for: name a profile of that deployment, or say its {what} as well"
            )


def _first(values: Sequence[tuple[str | None, str]]) -> tuple[str | None, str]:
    """Return the first value that there is, and where it is from."""
    return next((found for found in values if found[0] is not None), (None, "nowhere"))


def _nowhere(name: str, sources: Sequence[Settings]) -> str:
    return (
        f"nothing says the {name}: give the argument {name}, set {VARIABLES[name]}, or write {name}"
        f" into {sources[-1].where}"
    )
