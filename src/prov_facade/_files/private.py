"""Files that only their owner can read, and the refusal of others."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from prov_facade._files.atomic import replace_file
from prov_facade.errors import CredentialsError


def read_private(path: Path) -> bytes:
    """Read a file that nobody but its owner may read or change.

    Raises:
        CredentialsError: If others may.
        OSError: If it cannot be read, or is a link.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(descriptor, "rb") as file:
        refuse_strangers(path, os.fstat(descriptor), "chmod 600")
        return file.read()


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all.

    Raises:
        OSError: If it cannot be written.
    """
    replace_file(path, content, mode=0o600)


def refuse_strangers(
    path: Path, about: os.stat_result, mend: str, *, writing_only: bool = False
) -> None:
    """Refuse what others may read or change.

    Raises:
        CredentialsError: If they may.
    """
    if os.name == "nt":
        return  # there, what is in a user's directory is the user's
    fault = ""
    if about.st_uid not in (os.getuid(), 0):
        fault = "belongs to another user"
    elif about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        fault = "can be changed by other users"
    elif not writing_only and about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        fault = "can be read by other users"
    if fault:
        raise CredentialsError(
            f"{path} holds tokens and {fault}: `{mend}` it if you trust those who could, or remove"
            " it and sign in again"
        )
