"""Checks of settings, shared by several modules."""

from __future__ import annotations

import inspect
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


MAX_TIMEOUT = 2_147_483
"""In seconds, about 24 days. Sockets wait for a number of milliseconds in 32 bits."""

# No clock overflows with this number of seconds, about 30 years.
_MAX_NUMBER = 1e9


def check_number(
    name: str,
    value: object,
    *,
    at_least: float = 0,
    at_most: float = _MAX_NUMBER,
    exclusive: bool = False,
    unit: str = "",
    error: Callable[[str], Exception] = ConfigError,
) -> None:
    """Raise an error unless a value is a number within bounds.

    Args:
        name: The name of the setting, for the message.
        value: The value.
        at_least: The lower bound.
        at_most: The upper bound.
        exclusive: Whether the lower bound itself is excluded.
        unit: The unit of the number, for the message, such as ``"seconds"``.
        error: Creates the error from a message.

    Raises:
        ConfigError: If it is not such a number; or the error that ``error`` returns.
    """
    bound = f"greater than {at_least:g}" if exclusive else f"of at least {at_least:g}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        large_enough = value > at_least if exclusive else value >= at_least
        if large_enough and value <= at_most:
            return
        if large_enough:
            bound += f", and of at most {at_most:,.0f}"
    of_unit = f" of {unit}" if unit else ""
    raise error(f"{name} must be a number{of_unit} {bound}, not {_shown(value)}")


def check_count(
    name: str,
    value: object,
    *,
    at_least: int = 1,
    error: Callable[[str], Exception] = ConfigError,
) -> None:
    """Raise an error unless a value is an integer that is large enough.

    Args:
        name: The name of the setting, for the message.
        value: The value.
        at_least: The lower bound.
        error: Creates the error from a message.

    Raises:
        ConfigError: If it is not; or the error that ``error`` returns.
    """
    if type(value) is not int or value < at_least:
        raise error(f"{name} must be an integer of at least {at_least}, not {_shown(value)}")


def check_bool(
    name: str, value: object, *, error: Callable[[str], Exception] = ConfigError
) -> None:
    """Raise an error unless a value is ``True`` or ``False``.

    Args:
        name: The name of the setting, for the message.
        value: The value.
        error: Creates the error from a message.

    Raises:
        ConfigError: If it is not; or the error that ``error`` returns.
    """
    if not isinstance(value, bool):
        raise error(f"{name} must be True or False, not {_shown(value)}")


def check_callback(
    name: str, value: object, *, error: Callable[[str], Exception] = ConfigError
) -> None:
    """Raise an error unless a value is a function whose result can be ignored.

    Args:
        name: The name of the setting, for the message.
        value: The value.
        error: Creates the error from a message.

    Raises:
        ConfigError: If it is not a function, or a coroutine function, which would have to be
            awaited; or the error that ``error`` returns.
    """
    if not callable(value):
        raise error(f"{name} must be a function, not {_shown(value)}")
    if is_coroutine_function(value):
        raise error(f"{name} must be a plain function, not a coroutine function (async def)")


def is_coroutine_function(value: object) -> bool:
    """Return whether a value is a coroutine function, or an object that is called like one."""
    call = getattr(value, "__call__", None)  # noqa: B004  (of an object)
    return inspect.iscoroutinefunction(value) or inspect.iscoroutinefunction(call)


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


def _shown(value: object) -> str:
    try:
        return repr(value)
    except ValueError:  # an integer with too many digits
        return "such a large number"
