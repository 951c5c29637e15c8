"""Files that only their owner can read."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from prov_facade._files.atomic import replace_file
from prov_facade.errors import CredentialsError

_OTHER_USERS = stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH


def exposure(path: Path, mode: int) -> str | None:
    """Say that others can access a file with a secret, and how to fix that, as ssh does for keys.

    Args:
        path: The file.
        mode: Its permissions.

    Returns:
        The end of an error message; ``None`` if only the owner can access the file.
    """
    if os.name != "posix" or not mode & _OTHER_USERS:
        return None
    return (
        f"but others can read or change it: its mode is {stat.S_IMODE(mode):04o}. Fix it with:"
        f" chmod 600 {shlex.quote(str(path))}"
    )


def read_private(path: Path) -> bytes:
    """Read a file that only its owner may read or change.

    Raises:
        CredentialsError: If other users can read or change it.
        OSError: If it cannot be read, or is a symbolic link.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(descriptor, "rb") as file:
        check_permissions(path, os.fstat(descriptor), "chmod 600")
        return file.read()


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, atomically.

    Raises:
        OSError: If it cannot be written.
    """
    replace_file(path, content, mode=0o600)


def check_permissions(
    path: Path, status: os.stat_result, fix: str, *, allow_reading: bool = False
) -> None:
    """Raise an error if other users can read or change a file or directory.

    Args:
        path: The file or directory.
        status: Its status.
        fix: The command that corrects the permissions, for the error.
        allow_reading: Whether others may read it.

    Raises:
        CredentialsError: If they can.
    """
    if os.name == "nt":
        return  # the user's directories are private there
    fault = ""
    remedy = f"run `{fix}` on it if you trust those users"
    if status.st_uid not in (os.getuid(), 0):
        fault = "belongs to another user"
        remedy = f"run `chown {os.getuid()}` on it as root if you trust that user"
    elif status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        fault = "can be changed by other users"
    elif not allow_reading and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        fault = "can be read by other users"
    if fault:
        raise CredentialsError(
            f"{path} contains tokens and {fault}: {remedy}, or remove it and sign in again"
        )
