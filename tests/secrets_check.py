"""A pytest plugin that looks for tokens in every log record and every error.

It records tokens when they are added to requests. The log and the errors are searched at the end of
the test, since they may show a token before it is recorded.
"""

from __future__ import annotations

import functools
import logging
import pickle
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from prov_facade import BearerAuth, ProvError
from prov_facade._auth.tokens import Tokens

MIN_LENGTH = 12  # shorter ones can be ordinary words
LOGGERS = ("prov_facade", "httpx")

TOKENS: set[str] = set()
LINES: list[str] = []
ERRORS: list[ProvError] = []


class _Listener(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        LINES.append(logging.Formatter().format(record))


def _recording(method: Callable[..., None], record: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(method)
    def wrapped(self: object, *args: Any, **kwargs: Any) -> None:
        method(self, *args, **kwargs)
        record(self, *args)

    return wrapped


def _record_token(_: object, token: object, *__: object) -> None:
    if isinstance(token, str) and len(token) >= MIN_LENGTH:
        TOKENS.add(token.strip())


def _record_tokens(_: object, *tokens: object, **__: object) -> None:
    for token in tokens[:2]:  # the access and the refresh token
        _record_token(None, token)


def _record_error(error: ProvError, *_: object) -> None:
    ERRORS.append(error)


def pytest_configure() -> None:
    BearerAuth.__init__ = _recording(BearerAuth.__init__, _record_token)  # type: ignore[method-assign]
    Tokens.__init__ = _recording(Tokens.__init__, _record_tokens)  # type: ignore[method-assign]
    ProvError.__init__ = _recording(ProvError.__init__, _record_error)  # type: ignore[method-assign]
    for name in LOGGERS:
        logging.getLogger(name).addHandler(_Listener(logging.DEBUG))
        logging.getLogger(name).setLevel(logging.DEBUG)


@pytest.fixture(autouse=True)
def no_token_is_shown() -> Iterator[None]:
    """Search what a test logged and raised."""
    for seen in (TOKENS, LINES, ERRORS):
        seen.clear()
    yield
    shown = [*LINES, *(text for error in ERRORS for text in _shown(error))]
    leaks = [text for text in shown for token in TOKENS if token in text]
    assert leaks == []


def _shown(error: ProvError) -> Iterator[str]:
    yield str(error)
    yield repr(error)
    yield repr(vars(error))
    # A class defined in a test cannot be pickled.
    with suppress(pickle.PicklingError, AttributeError, TypeError):
        yield pickle.dumps(error).decode("latin-1")
