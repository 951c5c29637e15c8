"""Finds the token in a text that people pasted, exported or saved with an editor."""

from __future__ import annotations

import codecs
import re
import unicodedata

from prov_facade._checks import NOT_UTF_8, is_utf_8

# Most tokens are JWTs. RFC 6750, 2.1 allows "=" only at the end of a bearer token.
_PLAIN = re.compile(r"[A-Za-z0-9._~+/-]+")

# Editors, shells and word processors put these around a token, which consists of other characters.
_AROUND = "\"'`\u2018\u2019\u201a\u201c\u201d\u201e\u2039\u203a\u00ab\u00bb,;"
# `export PROV_TOKEN=...`, `token = ...` and `Bearer ...`, but not a token with Base64 padding.
_PREFIX = re.compile(
    r"(?:export\s+|set\s+)?(?:PROV_\w*\s*=|[A-Za-z_]\w*\s*=(?!=*$))|[Bb]earer\s+", re.ASCII
)
# Word processors put a soft hyphen in place of a hyphen, which belongs to the token.
_SOFT_HYPHEN = "\u00ad"
# Quotes, brackets and backslashes occur in JSON, in placeholders and in variables.
_FOREIGN = re.compile(r"[^\x21-\x7e]|[\"'`<>{}\\]")
_NAMES = {" ": "a space", "\n": "a line break", "\r": "a line break", "\t": "a tab"}


def decode_token(content: bytes) -> str:
    """Decode the content of a token file, which may be UTF-8, or UTF-16 with or without a mark.

    Raises:
        ValueError: If it is neither. The message is a predicate, such as "is not text", and
            contains nothing of the content.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif b"\0" in content:
        # In UTF-16, every other byte is zero if most characters are ASCII.
        in_little_endian = content[1::2].count(0) > content[::2].count(0)
        encoding = "utf-16-le" if in_little_endian else "utf-16-be"
    else:
        encoding = "utf-8"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        pass
    # Raised outside the handler, whose error contains the content.
    raise ValueError("is not text in UTF-8 or UTF-16")


def clean_token(text: str) -> str:
    """Return a token without what is certainly not part of it.

    That is: white space, a byte order mark and other invisible characters, quotes, the name of a
    variable, and the scheme of a header.

    Raises:
        ValueError: If the rest cannot be a token. The message is a predicate, such as "contains a
            space", and contains no more of the text than one character that is not part of a token.
    """
    if _PLAIN.fullmatch(text):
        return text
    token = "".join(c for c in text if unicodedata.category(c) != "Cf" or c == _SOFT_HYPHEN)
    before = None
    while token != before:
        before = token
        token = _PREFIX.sub("", token.strip().strip(_AROUND), count=1)
    if not token:
        raise ValueError("is empty")
    if not is_utf_8(token):
        raise ValueError(NOT_UTF_8)
    foreign = _FOREIGN.search(token)
    if foreign is not None:
        raise ValueError(f"contains {_name(foreign[0])}")
    return token


def _name(character: str) -> str:
    name = unicodedata.name(character, "a control character")
    return _NAMES.get(character) or f"{name} (U+{ord(character):04X})"
