"""Formats generated files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from codegen.errors import CodegenError

FIRST_PARTY = ("prov_facade", "prov_api_client", "job_api_client")
"""The packages whose imports are sorted as the project's own."""

# The output must depend on these settings alone, not on nearby configuration files or on whether
# ruff or git would ignore the folder.
_ISOLATION = (
    "--isolated",
    "--no-cache",
    "--no-respect-gitignore",
    "--quiet",
    "--target-version=py311",
    "--config=exclude=[]",
    "--config=line-length=100",
)
# Only the rules that sort imports and remove unused ones. The generator's default hooks also turn
# `*args: Any` into `object`, which a strict type check rejects.
_COMMANDS = (("check", "--fix", "--select=I,F401"), ("format",))


def finish(package: Path, header: str, *, first_party: Sequence[str] = ()) -> None:
    """Format a package and add the header line to each file.

    Args:
        package: The folder of the package.
        header: The header line.
        first_party: Other packages whose imports are sorted as first-party.

    Raises:
        CodegenError: If a file cannot be formatted.
    """
    known = [f"--config=lint.isort.known-first-party={list(first_party)}"] if first_party else []
    for command, *arguments in _COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "ruff", command, *_ISOLATION, *known, *arguments, str(package)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CodegenError(
                f"ruff {command} failed on the generated code:\n{done.stdout}{done.stderr}"
            )
    for module in package.rglob("*.py"):
        module.write_text(header + module.read_text(encoding="utf-8"), encoding="utf-8")
