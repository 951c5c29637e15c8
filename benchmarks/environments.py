"""The environments of the peers, built with venv and pip and kept outside the repository.

Bare httpx also has a separate environment, so that no package installed for prov-facade makes it
faster.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "openapi" / "prov-api.yaml"


class UnavailableError(Exception):
    """An environment could not be built."""


@cache
def requirements() -> dict[str, list[str]]:
    """Return the requirements of each environment.

    The versions of httpx and aiohttp are those that prov-facade is measured with.
    """
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    httpx = [f"{name}=={version(name)}" for name in ("httpx", "httpcore")]
    return {
        "httpx": httpx,
        "aiohttp": [f"aiohttp=={version('aiohttp')}"],
        "orjson": groups["benchmarks"],
        "stock": [*groups["codegen"], *httpx],
        "provenaclient": ["provenaclient>=0.29.1,<0.30"],
    }


class Environments:
    """Builds an environment when it is first needed.

    Args:
        folder: The folder of the environments.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._failures: dict[str, UnavailableError] = {}
        self.used: dict[str, str] = {}
        """The interpreters of the environments that were used."""

    def python(self, name: str) -> str:
        """Return the interpreter of an environment; that of ``ours`` is the current one.

        Raises:
            UnavailableError: If the environment cannot be built.
        """
        if name not in self.used:
            if name in self._failures:
                raise self._failures[name]
            try:
                self.used[name] = sys.executable if name == "ours" else self._build(name)
            except UnavailableError as error:
                self._failures[name] = error
                raise
        return self.used[name]

    def _build(self, name: str) -> str:
        inputs = [sys.version, *requirements()[name]]
        if name == "stock":
            inputs.append(DOCUMENT.read_text("utf-8"))
        key = hashlib.sha256("\n".join(inputs).encode()).hexdigest()[:8]
        place = self._folder / f"{name}-{key}"
        scripts = place / ("Scripts" if sys.platform == "win32" else "bin")
        if not (place / "complete").exists():
            print(f"building the environment {name} in {place}", file=sys.stderr, flush=True)
            shutil.rmtree(place, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(place))
            _run(str(scripts / "python"), "-m", "pip", "install", "--quiet", *requirements()[name])
            if name == "stock":
                _generate(scripts)
            (place / "complete").touch()
        return str(scripts / "python")


def _generate(scripts: Path) -> None:
    """Generate the package ``stock_client`` into an environment."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(_run(str(scripts / "python"), "-c", code).strip())
    _run(
        *(str(scripts / "openapi-python-client"), "generate", "--meta", "none"),
        *("--path", str(DOCUMENT), "--output-path", str(packages / "stock_client")),
    )


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise UnavailableError(f"{Path(command[0]).name}: {lines[-1]}")
    return done.stdout
