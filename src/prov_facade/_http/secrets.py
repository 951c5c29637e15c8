"""Masks secrets that a server repeats."""

from __future__ import annotations

import html
from collections.abc import Iterable

MASK = "***"

MIN_SECRET_LENGTH = 8
"""Shorter values, such as numbers, dates and words, occur in any text."""


def mask(content: bytes, secrets: Iterable[str]) -> bytes:
    """Replace secrets in a body or a header, both literally and as JSON and HTML may encode them.

    Args:
        content: The bytes.
        secrets: The secrets; those shorter than :data:`MIN_SECRET_LENGTH` are not masked.
    """
    for secret in secrets:
        if len(secret) < MIN_SECRET_LENGTH:
            continue
        in_json, in_html = secret.replace("/", r"\/"), html.escape(secret).replace("+", "&#43;")
        for written in (secret, in_json, in_html):
            content = content.replace(written.encode(), MASK.encode())
    return content


def mask_text(text: str, secrets: Iterable[str]) -> str:
    """Replace secrets in a text; see :func:`mask`."""
    return mask(text.encode(errors="surrogatepass"), secrets).decode(errors="surrogatepass")
