"""Creates clients from arguments, environment variables and a configuration file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from prov_facade._async.settings import DEFAULT_TIMEOUT, ClientSettings
from prov_facade._auth.device_flow import DeviceFlow
from prov_facade._auth.flows import ClientCredentials, OfflineFlow
from prov_facade._profiles.config_file import from_file
from prov_facade._profiles.settings import (
    VARIABLES,
    ConnectSettings,
    Settings,
    from_environment,
)
from prov_facade._signatures import takes_settings
from prov_facade._sync.settings import ClientSettings as SyncClientSettings
from prov_facade.auth import AuthManager, BearerToken
from prov_facade.config import APIOverrides, Config
from prov_facade.errors import ConfigError

if TYPE_CHECKING:
    from prov_facade._async.client import ProvClient
    from prov_facade._sync.client import SyncProvClient


class _AsyncSettings(ConnectSettings, ClientSettings, total=False):
    pass


class _SyncSettings(ConnectSettings, SyncClientSettings, total=False):
    pass


@takes_settings(_AsyncSettings, timeout=DEFAULT_TIMEOUT)
def connect(profile: str | None = None, **settings: Unpack[_AsyncSettings]) -> ProvClient:
    """Create a client from arguments, environment variables and a configuration file.

    Nothing is sent before the first call of the client.

    Each of ``domain``, ``realm``, ``client_id``, ``scope`` and ``api_overrides`` is taken from the
    first source that has it:

    1. the arguments;
    2. the environment variables ``PROV_DOMAIN``, ``PROV_REALM`` and ``PROV_CLIENT_ID``. An empty
       variable counts as not set; the scope and the overrides have no variable;
    3. the profile.

    The overrides are taken as a whole. The overrides and the credential are used only for the
    deployment of their source: a different ``domain`` or ``realm`` raises an error.

    The credential is taken from the first of these sources that has one; its variables are
    ``PROV_TOKEN``, ``PROV_OFFLINE_TOKEN`` and ``PROV_CLIENT_SECRET``. If a source has several, the
    first of these is used:

    1. ``token``: :class:`~prov_facade.BearerToken`, which needs no ``client_id``;
    2. ``offline_token`` or ``offline_token_file``: :class:`~prov_facade.OfflineFlow`, with the
       ``client_secret`` of any source, if there is one;
    3. ``client_secret``: :class:`~prov_facade.ClientCredentials`.

    Without any credential, a person signs in: :class:`~prov_facade.DeviceFlow`.

    The configuration file is TOML. It has a table ``[profiles.NAME]`` for each profile, with the
    keys ``domain``, ``realm``, ``client_id``, ``scope``, ``token``, ``offline_token``,
    ``offline_token_file`` (relative to the configuration file, or with ``~``), ``client_secret``,
    and the attributes of :class:`~prov_facade.APIOverrides`. If it holds a token or a secret, only
    its owner may have access to it. The same applies to a file with an offline token.

    Args:
        profile: The profile to use; by default the one that ``PROV_PROFILE`` names, else
            ``default``, if it exists.
        **settings: The settings of the connection, by name:

            - ``domain``: The domain of the deployment.
            - ``realm``: The Keycloak realm.
            - ``client_id``: The OAuth client that people or programs sign in with.
            - ``token``: An access token, or a function that returns the current one.
            - ``offline_token``: An offline token, which obtains access tokens.
            - ``offline_token_file``: A file that contains it.
            - ``client_secret``: The secret of the OAuth client.
            - ``api_overrides``: Addresses to use instead of those derived from the domain.
            - ``scope``: The scope to request when signing in.
            - ``config_file``: The configuration file; by default the one that ``PROV_CONFIG_FILE``
              names, else ``config.toml`` in the user's configuration directory (on Linux
              ``~/.config/prov-facade``), if it exists.
            - All others: As for :class:`~prov_facade.ProvClient`. ``verify`` and ``proxy`` apply to
              signing in as well.

    Returns:
        The client.

    Raises:
        ConfigError: If no source has the domain, the realm or a required ``client_id``, if a named
            profile or file does not exist, or if a setting cannot be used.

    Examples:
        >>> async with connect("production") as client:
        ...     health = await client.get_health_check()
    """
    from prov_facade._async.client import ProvClient  # noqa: PLC0415  (load only this client)

    auth, config, client_settings = _resolve(profile, settings)
    return ProvClient(auth, config, **client_settings)


@takes_settings(_SyncSettings, timeout=DEFAULT_TIMEOUT)
def connect_sync(profile: str | None = None, **settings: Unpack[_SyncSettings]) -> SyncProvClient:
    """Create a synchronous client, with the same settings as :func:`~prov_facade.connect`.

    Args:
        profile: The profile to use, as for :func:`~prov_facade.connect`.
        **settings: As for :func:`~prov_facade.connect` and :class:`~prov_facade.SyncProvClient`.

    Returns:
        The client.

    Raises:
        ConfigError: As for :func:`~prov_facade.connect`.

    Examples:
        >>> with connect_sync("production") as client:
        ...     health = client.get_health_check()
    """
    from prov_facade._sync.client import SyncProvClient  # noqa: PLC0415  (likewise)

    auth, config, client_settings = _resolve(profile, settings)
    return SyncProvClient(auth, config, **client_settings)


def _resolve(
    profile: str | None, settings: Mapping[str, Any]
) -> tuple[AuthManager, Config, dict[str, Any]]:
    """Return the auth manager, the deployment, and the settings of the client."""
    own = {key: value for key, value in settings.items() if key in ConnectSettings.__annotations__}
    rest = {key: value for key, value in settings.items() if key not in own}
    config_file = own.pop("config_file", None)
    arguments = Settings(where="the arguments", **own)
    sources = (arguments, from_environment(), from_file(config_file, profile))
    config = _config(sources)
    connection = {name: rest.get(name) for name in ("verify", "proxy")}
    return _auth(sources, config, connection), config, rest


def _config(sources: Sequence[Settings]) -> Config:
    domain, domain_from = _first([(source.domain, source.where) for source in sources])
    realm, realm_from = _first([(source.realm, source.where) for source in sources])
    if domain is None or realm is None:
        missing = [name for name, value in (("domain", domain), ("realm", realm)) if value is None]
        raise ConfigError("; ".join(_missing(name, sources) for name in missing))
    source = next((each for each in sources if each.api_overrides is not None), None)
    if source is not None:
        _check_same_deployment(source, "api_overrides", domain, realm)
    try:
        return Config(domain, realm, (source and source.api_overrides) or APIOverrides())
    except ConfigError as error:
        raise ConfigError(
            f"{error} (the domain is from {domain_from}, the realm from {realm_from})"
        ) from error


def _auth(
    sources: Sequence[Settings], config: Config, connection: Mapping[str, Any]
) -> AuthManager:
    credential = next((source for source in sources if source.has_credential), None)
    if credential is not None:
        _check_same_deployment(credential, "credential", config.domain, config.realm_name)
    if credential is not None and credential.token is not None:
        token = credential.token
        return BearerToken(token if callable(token) else credential.clean("token", token))
    client_id, _ = _first([(source.client_id, source.where) for source in sources])
    secret_source = next((source for source in sources if source.client_secret is not None), None)
    client_secret = None
    if secret_source is not None and credential is not None:
        _check_same_deployment(secret_source, "client_secret", config.domain, config.realm_name)
        client_secret = secret_source.client_secret
    scope, _ = _first([(source.scope, source.where) for source in sources])
    if client_id is None:
        raise ConfigError(f"{_missing('client_id', sources)}. Only a token works without it")
    if credential is None:
        if scope is None:
            return DeviceFlow(config, client_id, **connection)
        return DeviceFlow(config, client_id, scope=scope, **connection)
    if credential.offline_token is not None or credential.offline_token_file is not None:
        offline = credential.offline_token
        return OfflineFlow(
            config,
            client_id,
            offline_token=None if offline is None else credential.clean("offline_token", offline),
            offline_token_file=credential.offline_token_file,
            client_secret=client_secret,
            scope=scope,
            **connection,
        )
    assert client_secret is not None  # noqa: S101  (the only credential left)
    return ClientCredentials(config, client_id, client_secret, scope=scope, **connection)


def _check_same_deployment(source: Settings, what: str, domain: str, realm: str) -> None:
    """Raise an error if a source's overrides or credential are for another deployment."""
    for name, own, used in (("domain", source.domain, domain), ("realm", source.realm, realm)):
        if own is not None and own != used:
            raise ConfigError(
                f"the {what} of {source.where} is for the {name} {own!r}, not {used!r}: name a"
                f" profile of that deployment, or give its {what} as well"
            )


def _first(values: Sequence[tuple[str | None, str]]) -> tuple[str | None, str]:
    """Return the first value that is not ``None``, and its source."""
    return next((found for found in values if found[0] is not None), (None, "nowhere"))


def _missing(name: str, sources: Sequence[Settings]) -> str:
    return (
        f"{name} is missing: give the argument {name}, set {VARIABLES[name]}, or add {name} to"
        f" {sources[-1].where}"
    )
