"""The settings of a client, defined in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

import httpx

from prov_facade._http.ssl_context import Verify
from prov_facade._runtime.aio.send import TransportLike
from prov_facade.polling import PollPolicy
from prov_facade.retries import RetryPolicy

Timeout = float | httpx.Timeout

DEFAULT_TIMEOUT = 30.0

EventHooks = Mapping[str, Sequence[Callable[..., Any]]]


class ClientSettings(TypedDict, total=False):
    """The settings of a :class:`~prov_facade.ProvClient`, which documents them."""

    timeout: Timeout
    retries: RetryPolicy | None
    limits: httpx.Limits | None
    transport: TransportLike | None
    proxy: str | httpx.URL | httpx.Proxy | None
    verify: Verify
    event_hooks: EventHooks | None
    polling: PollPolicy | None
