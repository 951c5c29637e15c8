"""Paths and names of the files to write."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

from prov_facade.errors import InvalidRequestError

_MAX_ID = 80
# Ids whose file names differ without a checksum: only their slashes become underscores.
_PLAIN_ID = re.compile(r"[A-Za-z0-9.-]+(/[A-Za-z0-9.-]+)*")


def file_name(kind: str, item: str, suffix: str) -> str:
    """Make a file name that is valid on any system.

    Args:
        kind: The kind of file, such as ``"report"``.
        item: The id of its subject. If it is long, or characters other than slashes must be
            replaced, a checksum distinguishes it from similar ids.
        suffix: The end of the name.
    """
    name = re.sub(r"[^A-Za-z0-9.-]", "_", item)[:_MAX_ID]
    if len(item) > _MAX_ID or not _PLAIN_ID.fullmatch(item):
        digest = hashlib.sha256(item.encode(errors="surrogatepass")).hexdigest()
        name = f"{name}-{digest[:8]}"
    return f"{kind}-{name}{suffix}"


def resolve_target(path: object, name: str) -> Path:
    """Return the path of a file to write: the path itself, or a name in it if it is a directory."""
    given = check_path(path)
    wanted = Path(given)
    if wanted.is_dir():
        return wanted / name
    if given.endswith(("/", os.sep)) or not wanted.parent.is_dir():
        raise InvalidRequestError(
            f"nothing was sent: the directory of {given!r} does not exist",
            path="$.path",
        )
    return wanted


def check_path(path: object) -> str:
    """Return a path as text, or raise an error if it is not valid."""
    given = os.fspath(path) if isinstance(path, os.PathLike) else path
    if isinstance(given, str) and given and "\0" not in given:
        return given
    what = repr(given) if isinstance(given, str) else type(path).__name__
    raise InvalidRequestError(
        f"nothing was sent: path must be a str or an os.PathLike of one, not {what}",
        path="$.path",
    )


def check_overwrite(target: Path, *, overwrite: bool) -> int | None:
    """Check that a file may be replaced, and return its permissions."""
    if not os.path.lexists(target):
        return None
    fault = ""
    if not overwrite:
        fault = "already exists: pass overwrite=True to replace it"
    elif target.exists() and not target.is_file():
        fault = "is not a regular file, and cannot be replaced"
    if fault:
        raise InvalidRequestError(f"nothing was sent: {str(target)!r} {fault}", path="$.path")
    return stat.S_IMODE(target.stat().st_mode) if target.exists() else None
