"""Parses dates and times in HTTP headers."""

from __future__ import annotations

import re
import time
from datetime import UTC
from email.utils import parsedate_to_datetime


def parse_http_date(value: str) -> float | None:
    """Parse an HTTP date (RFC 9110, 5.6.7) as Unix time; ``None`` if it is malformed."""
    try:
        # Dates in HTTP are always in GMT, whatever zone they name.
        return parsedate_to_datetime(value).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def parse_retry_after(value: str | None) -> float | None:
    """Parse a ``Retry-After`` header: a number of seconds, or a date.

    Args:
        value: The header; ``None`` if the response has no such header.

    Returns:
        The seconds from now, 0 or more; ``None`` if the header is missing or malformed.
    """
    if value is None:
        return None
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,15}", value):
        return float(value)
    date = parse_http_date(value)
    return None if date is None else max(0.0, date - time.time())
