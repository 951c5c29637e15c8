"""Checks of settings, shared by several modules."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable

from prov_facade.errors import ConfigError

_SURROGATE = re.compile("[\ud800-\udfff]")
NOT_UTF_8 = "contains a byte that is not UTF-8"
"""Says what is wrong with a text for which :func:`is_utf_8` is false."""


def is_utf_8(text: str) -> bool:
    """Return whether a text can be encoded.

    It cannot if it comes from an environment variable with other bytes, which Python represents by
    surrogates. Encoding it would raise an error that contains the whole text.
    """
    return _SURROGATE.search(text) is None


def check_number(
    name: str,
    value: object,
    *,
    at_least: float = 0,
    exclusive: bool = False,
    unit: str = "",
    error: Callable[[str], Exception] = ConfigError,
) -> None:
    """Raise an error unless a value is a finite number that is large enough.

    Args:
        name: The name of the setting, for the message.
        value: The value.
        at_least: The lower bound.
        exclusive: Whether the bound itself is excluded.
        unit: The unit of the number, for the message, such as ``"seconds"``.
        error: Creates the error from a message.

    Raises:
        ConfigError: If it is not such a number; or the error that ``error`` returns.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        large_enough = value > at_least if exclusive else value >= at_least
        if large_enough and value < math.inf:
            return
    bound = f"greater than {at_least:g}" if exclusive else f"of at least {at_least:g}"
    of_unit = f" of {unit}" if unit else ""
    raise error(f"{name} must be a number{of_unit} {bound}, not {value!r}")


def check_count(
    name: str, value: object, *, error: Callable[[str], Exception] = ConfigError
) -> None:
    """Raise an error unless a value is an integer of at least 1.

    Args:
        name: The name of the setting, for the message.
        value: The value.
        error: Creates the error from a message.

    Raises:
        ConfigError: If it is not; or the error that ``error`` returns.
    """
    if type(value) is not int or value < 1:
        raise error(f"{name} must be an integer of at least 1, not {value!r}")


def check_choice(
    name: str,
    value: object,
    choices: Iterable[str],
    *,
    error: Callable[[str], Exception] = ConfigError,
) -> None:
    """Raise an error unless a value is one of the choices.

    Args:
        name: The name of the setting, for the message.
        value: The value.
        choices: The allowed values.
        error: Creates the error from a message.

    Raises:
        ConfigError: If it is not; or the error that ``error`` returns.
    """
    allowed = list(choices)
    if value in allowed:
        return
    import difflib  # noqa: PLC0415  (only errors need it)

    near = difflib.get_close_matches(str(value), allowed, n=3)
    message = f"{name} {value!r} is unknown; "
    if near:
        raise error(f"{message}did you mean {' or '.join(near)}?")
    raise error(f"{message}it must be one of {', '.join(allowed)}")
