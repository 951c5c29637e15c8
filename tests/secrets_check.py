"""A pytest plugin that searches all log records and errors for tokens.

Tokens are noted as they are put on requests. What is made with a token before it is known is looked
at when the test ends.
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

SHORTEST = 12  # shorter ones are words
LOGGERS = ("prov_facade", "httpx")

TOKENS: set[str] = set()
LINES: list[str] = []
ERRORS: list[ProvError] = []


class _Listener(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        LINES.append(logging.Formatter().format(record))


def _noting(method: Callable[..., None], note: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(method)
    def wrapped(self: object, *args: Any, **kwargs: Any) -> None:
        method(self, *args, **kwargs)
        note(self, *args)

    return wrapped


def _note_token(_: object, token: object, *__: object) -> None:
    if isinstance(token, str) and len(token) >= SHORTEST:
        TOKENS.add(token.strip())


def _note_tokens(_: object, *tokens: object, **__: object) -> None:
    for token in tokens[:2]:  # that for calls, and that for renewing it
        _note_token(None, token)


def _note_error(error: ProvError, *_: object) -> None:
    ERRORS.append(error)


def pytest_configure() -> None:
    BearerAuth.__init__ = _noting(BearerAuth.__init__, _note_token)  # type: ignore[method-assign]
    Tokens.__init__ = _noting(Tokens.__init__, _note_tokens)  # type: ignore[method-assign]
    ProvError.__init__ = _noting(ProvError.__init__, _note_error)  # type: ignore[method-assign]
    for name in LOGGERS:
        logging.getLogger(name).addHandler(_Listener(logging.DEBUG))
        logging.getLogger(name).setLevel(logging.DEBUG)


@pytest.fixture(autouse=True)
def nothing_shows_a_token() -> Iterator[None]:
    """Search the log records and errors of a test."""
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
    # A class that is local to a test cannot be pickled.
    with suppress(pickle.PicklingError, AttributeError, TypeError):
        yield pickle.dumps(error).decode("latin-1")
