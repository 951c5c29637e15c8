"""Gives generated files their form."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from codegen.errors import CodegenError

FIRST_PARTY = ("prov_facade", "prov_api_client", "job_api_client")
"""The packages whose imports are sorted as the project's own."""

# The output depends on these lines alone: not on a configuration nearby, nor on whether the folder
# is one that ruff or git would leave out.
_ALONE = (
    "--isolated",
    "--no-cache",
    "--no-respect-gitignore",
    "--quiet",
    "--target-version=py311",
    "--config=exclude=[]",
    "--config=line-length=100",
)
# The rules only sort imports and drop unused ones; the generator's default hooks also apply fixes
# that turn `*args: Any` into `object`, which a strict type check rejects.
_COMMANDS = (("check", "--fix", "--select=I,F401"), ("format",))


def finish(package: Path, header: str, *, first_party: Sequence[str] = ()) -> None:
    """Format a package and put the header line on each file.

    Args:
        package: The folder of the package.
        header: The line.
        first_party: Packages that are imported as one's own, besides the package itself.

    Raises:
        CodegenError: If a file cannot be formatted.
    """
    known = [f"--config=lint.isort.known-first-party={list(first_party)}"] if first_party else []
    for command, *arguments in _COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "ruff", command, *_ALONE, *known, *arguments, str(package)],
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
