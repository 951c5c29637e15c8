"""Attaches calls to errors, and keeps tracebacks short."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType

import httpx
import msgspec
from attrs import frozen

from prov_facade.errors import ProvError

_OWN_PACKAGES = {"prov_facade", *sys.stdlib_module_names}


@frozen
class ErrorContext:
    """A context that completes the errors raised within, and drops their inner frames.

    If the caller's code raised the error, in a callback or an iterator, all frames are kept.

    Attributes:
        complete: Attaches the call to an error.
    """

    complete: Callable[[ProvError], None]

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not isinstance(exc_value, ProvError):
            return
        self.complete(exc_value)
        if traceback is not None and _callers_frames(traceback) is None:
            traceback.tb_next = None
        cause = exc_value.__cause__
        if isinstance(cause, ProvError) and _callers_frames(cause.__traceback__) is None:
            cause.__traceback__ = None


def shorten_cause(error: ProvError) -> None:
    """Drop the frames of an error's cause that do not help the caller.

    A cause in the network code loses its traceback; its own cause becomes its context, which
    tracebacks do not show. Any other cause may come from the caller's code, and keeps its frames
    from there on.
    """
    cause = error.__cause__
    if isinstance(cause, httpx.RequestError | msgspec.MsgspecError):
        cause.__cause__, cause.__context__ = None, cause.__cause__ or cause.__context__
        inner: BaseException | None = cause
        while inner is not None:
            inner.__traceback__ = None  # its frames refer to the request with the token
            inner = inner.__cause__ or inner.__context__
    elif cause is not None:
        cause.__traceback__ = _callers_frames(cause.__traceback__) or cause.__traceback__


def _callers_frames(traceback: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback that begins in the caller's code; ``None`` without one."""
    while traceback is not None:
        module: str = traceback.tb_frame.f_globals.get("__name__", "")
        if module.partition(".")[0] not in _OWN_PACKAGES:
            break
        traceback = traceback.tb_next
    return traceback
