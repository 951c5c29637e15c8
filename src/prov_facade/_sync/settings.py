# Made of src/prov_facade/_async by `nox -s codegen`: change that, not this file.
"""The settings of a client, spelt out once."""

from __future__ import annotations

import inspect
import ssl
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypedDict, TypeVar

import httpx

from prov_facade._runtime.threads.send import TransportLike
from prov_facade.polling import PollPolicy
from prov_facade.retries import RetryPolicy

P = ParamSpec("P")
R = TypeVar("R")

Timeout = float | httpx.Timeout

DEFAULT_TIMEOUT = 30.0

EventHooks = Mapping[str, Sequence[Callable[..., Any]]]


class ClientSettings(TypedDict, total=False):
    """The settings of a :class:`~prov_facade.SyncProvClient`, where they are described."""

    timeout: Timeout
    retries: RetryPolicy | None
    limits: httpx.Limits | None
    transport: TransportLike | None
    proxy: str | httpx.URL | httpx.Proxy | None
    verify: ssl.SSLContext | str | Path | None
    event_hooks: EventHooks | None
    polling: PollPolicy | None


def takes_settings(function: Callable[P, R]) -> Callable[P, R]:
    """Show and check the settings that a function takes as ``**settings``.

    Type checkers know them from ``Unpack``. This is for those who ask at run time: ``help()``,
    completion in notebooks, and Python's own complaint about a name that there is not.
    """
    signature = inspect.signature(function)
    fixed = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    settings = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=DEFAULT_TIMEOUT if name == "timeout" else None,
            annotation=annotation,
        )
        for name, annotation in ClientSettings.__annotations__.items()
    ]
    shown = signature.replace(parameters=[*fixed, *settings])

    @wraps(function)
    def checked(*arguments: P.args, **keywords: P.kwargs) -> R:
        shown.bind(*arguments, **keywords)
        return function(*arguments, **keywords)

    checked.__signature__ = shown  # type: ignore[attr-defined]
    return checked
