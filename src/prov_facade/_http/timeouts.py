"""The timeouts of requests."""

from __future__ import annotations

import httpx

from prov_facade._checks import MAX_TIMEOUT, check_number


def check_timeout(name: str, value: object, *, zero: bool = False) -> None:
    """Check that a timeout is a number of seconds that sockets support.

    Args:
        name: The name of the setting, for the message.
        value: The timeout.
        zero: Whether it may be 0.

    Raises:
        ConfigError: If it is not.
    """
    check_number(name, value, at_most=MAX_TIMEOUT, exclusive=not zero, unit="seconds")


def timeout_extension(timeout: float | httpx.Timeout) -> dict[str, float | None]:
    """Return a timeout in the form that transports expect.

    Raises:
        ConfigError: If it is neither a positive number of seconds nor an ``httpx.Timeout`` of such.
    """
    if not isinstance(timeout, httpx.Timeout):
        check_timeout("timeout", timeout)
        return httpx.Timeout(timeout).as_dict()
    phases = timeout.as_dict()
    for phase, seconds in phases.items():
        if seconds is not None:
            # Not to wait for a free connection is useful; a connection takes some time.
            check_timeout(f"timeout.{phase}", seconds, zero=phase == "pool")
    return phases
