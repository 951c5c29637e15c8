"""The environments of the peers, built with venv and pip outside the repository, and kept.

The baseline has one of its own as well: what ours depends on must not make it faster or slower.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

PINNED = {name: f"{name}=={version(name)}" for name in ("httpx", "httpcore")}
REQUIREMENTS = {
    "httpx": [*PINNED.values()],
}


class UnavailableError(Exception):
    """An environment could not be built."""


class Environments:
    """Builds an environment when it is first asked for.

    Args:
        folder: Where environments are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def python(self, name: str) -> str:
        """The interpreter of an environment; ``ours`` is the current one."""
        if name == "ours":
            return sys.executable
        wanted = [sys.version, *REQUIREMENTS[name]]
        digest = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:8]
        place = self._folder / f"{name}-{digest}"
        python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        if not (place / "complete").exists():
            print(f"building the environment {name}", file=sys.stderr)
            shutil.rmtree(place, ignore_errors=True)
            self._run(sys.executable, "-m", "venv", str(place))
            self._run(str(python), "-m", "pip", "install", "-q", *REQUIREMENTS[name])
            (place / "complete").touch()
        return str(python)

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise UnavailableError(lines[-1])
