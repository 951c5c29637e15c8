# Made of src/prov_facade/_async by `nox -s codegen`: change that, not this file.
"""How connections to a server are made."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import httpx
from attrs import define, field

from prov_facade._http.ssl_context import load
from prov_facade._runtime.threads.concurrency import run_in_thread
from prov_facade._runtime.threads.send import TransportLike, is_own, own_transport
from prov_facade._version import __version__
from prov_facade.errors import ConfigError

_USER_AGENT = f"prov-facade/{__version__} python-httpx/{httpx.__version__}"

_AT_ONCE = 100  # httpx's default

EventHooks = Mapping[str, Sequence[Callable[..., Any]]]


@define(kw_only=True)
class HTTPClientFactory:
    """The settings of connections, as :class:`~prov_facade.SyncProvClient` takes them.

    Raises:
        ConfigError: If one of them cannot be used.
    """

    limits: httpx.Limits | None = None
    transport: TransportLike | None = None
    proxy: str | httpx.URL | httpx.Proxy | None = field(default=None, repr=False)
    verify: ssl.SSLContext | str | Path | None = None
    event_hooks: EventHooks | None = None
    _certificates: ssl.SSLContext | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.limits is not None and not isinstance(self.limits, httpx.Limits):
            raise ConfigError("limits must be an httpx.Limits")
        given: object = self.transport
        if given is not None and not is_own(given):
            if not isinstance(given, httpx.BaseTransport):
                raise ConfigError(
                    "transport must be an httpx.BaseTransport, such as"
                    " httpx.HTTPTransport(), or, where it is asynchronous, 'aiohttp'"
                )
            if self.proxy is not None or self.verify is not None:
                raise ConfigError("proxy and verify are for httpx's own transport: set up yours")
        certificates: object = self.verify
        if not isinstance(certificates, ssl.SSLContext | str | Path | None):
            raise ConfigError(
                "verify must be the path of a CA bundle, or an ssl.SSLContext: certificates are"
                " always checked"
            )

    def __getstate__(self) -> dict[str, Any]:
        # All but the certificates, which are loaded anew.
        return {attribute.name: getattr(self, attribute.name) for attribute in _given(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self._certificates = None

    @property
    def at_once(self) -> int | None:
        """How many connections there may be at once; ``None`` if that is not known here."""
        if isinstance(self.transport, httpx.BaseTransport):
            return None
        return _AT_ONCE if self.limits is None else self.limits.max_connections

    def prepare(self) -> None:
        """Load the certificates, once, in a thread: that takes far longer than a request."""
        if self._certificates is None and not isinstance(self.transport, httpx.BaseTransport):
            with _setting_up():
                self._certificates = run_in_thread(load, self.verify)

    def open(self) -> httpx.Client:
        """Make what keeps connections."""
        settings: dict[str, Any] = {"headers": {"User-Agent": _USER_AGENT}}
        if self.limits is not None:
            settings["limits"] = self.limits
        if self.event_hooks is not None:
            settings["event_hooks"] = {name: list(them) for name, them in self.event_hooks.items()}
        if isinstance(self.transport, httpx.BaseTransport):
            settings["transport"] = self.transport
        with _setting_up():
            if self.transport is None:
                settings["verify"] = self._certificates
                if self.proxy is not None:
                    settings["proxy"] = self.proxy
            elif is_own(self.transport):
                settings["transport"] = self._own()
            return httpx.Client(follow_redirects=False, **settings)

    def _own(self) -> httpx.BaseTransport | None:
        settings: dict[str, Any] = {"verify": self._certificates}
        if self.limits is not None:
            settings["limits"] = self.limits
        if self.proxy is not None:
            given = self.proxy
            settings["proxy"] = given if isinstance(given, httpx.Proxy) else httpx.Proxy(given)
        return own_transport(self.transport, settings)


def _given(connections: HTTPClientFactory) -> list[attrs.Attribute[Any]]:
    return [attribute for attribute in attrs.fields(type(connections)) if attribute.init]


@contextmanager
def _setting_up() -> Iterator[None]:
    """Say what in the settings or the environment keeps a connection from being set up."""
    try:
        yield
    except ImportError as error:
        raise ConfigError(
            f"the environment names a SOCKS proxy: install prov-facade[socks] ({error})"
        ) from error
    except (ValueError, OSError, httpx.InvalidURL) as error:
        raise ConfigError(
            "no connection can be set up: the environment names a proxy or a file of certificates"
            f" that cannot be used ({error})"
        ) from error
