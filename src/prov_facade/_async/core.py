"""The credentials, policies and connections that a client and its parts share."""

from __future__ import annotations

from typing import Unpack

from prov_facade._async.authentication import TokenRefresher
from prov_facade._async.http_client import HTTPClientFactory
from prov_facade._async.settings import DEFAULT_TIMEOUT, ClientSettings
from prov_facade._async.transport import APITransport
from prov_facade.auth import SupportsAuth
from prov_facade.config import Config
from prov_facade.errors import ConfigError
from prov_facade.polling import PollPolicy
from prov_facade.retries import RetryPolicy


class ClientCore:
    """The state that a client and its parts share; the client creates it once.

    Args:
        auth: The auth manager.
        config: The deployment.
        settings: As for :class:`~prov_facade.ProvClient`.

    Raises:
        ConfigError: If an argument cannot be used.
    """

    def __init__(
        self, auth: SupportsAuth, config: Config, **settings: Unpack[ClientSettings]
    ) -> None:
        if not isinstance(auth, SupportsAuth) or isinstance(auth, type):
            raise ConfigError(
                "auth must have the methods get_token, force_refresh and get_auth: to use an"
                " existing token, pass BearerToken(token)"
            )
        if not isinstance(config, Config):
            raise ConfigError("config must be a prov_facade.Config")
        self.auth = auth
        self.config = config
        retries: object = settings.get("retries")
        retries = RetryPolicy() if retries is None else retries
        if not isinstance(retries, RetryPolicy):
            raise ConfigError("retries must be a RetryPolicy, such as RetryPolicy.none()")
        self.retries = retries
        polling: object = settings.get("polling")
        polling = PollPolicy() if polling is None else polling
        if not isinstance(polling, PollPolicy):
            raise ConfigError("polling must be a PollPolicy, such as PollPolicy(deadline=60)")
        self.polling = polling
        self.refresher = TokenRefresher(auth)
        self.transport = APITransport(
            auth,
            settings.get("timeout", DEFAULT_TIMEOUT),
            HTTPClientFactory(
                limits=settings.get("limits"),
                transport=settings.get("transport"),
                proxy=settings.get("proxy"),
                verify=settings.get("verify"),
                event_hooks=settings.get("event_hooks"),
            ),
        )
