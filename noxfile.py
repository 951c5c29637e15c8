"""Development tasks. `nox` alone runs the checks for every change; `nox -l` lists all sessions."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv"
nox.options.sessions = ["codegen_check", "lint", "typing", "tests"]
nox.options.error_on_external_run = True

ROOT = Path(__file__).parent
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
PYTHON_CODE = ("src", "codegen", "tests", "examples", "benchmarks", "noxfile.py")
TESTED_EXTRAS = "sandbox,aiohttp,compression"
# One worker more than there are processors, since tests also wait for deadlines and processes.
PARALLEL = ("-n", str((os.cpu_count() or 1) + 1), "--dist", "worksteal")


def install_group(session: nox.Session, *groups: str) -> None:
    """Install dependency groups of pyproject.toml."""
    session.install(*(argument for group in groups for argument in ("--group", group)))


def install_wheel(session: nox.Session, *more: str, extras: str = "sandbox") -> None:
    """Build the wheel and install it: the tests run against what users get.

    uv installs a copy of the wheel, not a link to the sources. It rebuilds the wheel each time, and
    keeps the other packages of a reused environment.
    """
    session.install("--reinstall-package", "prov-facade", f".[{extras}]", *more)


def install_tests(session: nox.Session) -> None:
    """Install the wheel with everything that the tests use."""
    install_wheel(session, "--group", "tests", extras=TESTED_EXTRAS)


@nox.session
def codegen(session: nox.Session) -> None:
    """Regenerate generated/ and the synchronous client."""
    install_group(session, "codegen")
    session.run("python", "-m", "codegen")


@nox.session
def codegen_check(session: nox.Session) -> None:
    """Fail, with the names of the files, if the generated code is out of date."""
    install_group(session, "codegen")
    session.run("python", "-m", "codegen", "--check")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, spelling and imports; `nox -s lint -- --fix` applies ruff's fixes."""
    install_group(session, "lint")
    if "--fix" in session.posargs:
        session.run("ruff", "check", "--fix", *PYTHON_CODE)
        session.run("ruff", "format", *PYTHON_CODE)
    else:
        session.run("ruff", "check", *PYTHON_CODE)
        session.run("ruff", "format", "--check", *PYTHON_CODE)
    session.run("codespell")
    # Which packages may import which: [tool.importlinter] in pyproject.toml.
    session.run("lint-imports", "--no-logo", env={"PYTHONPATH": "src:generated"})


@nox.session
def typing(session: nox.Session) -> None:
    """Type-check all code, generated packages included, and the installed wheel as users see it."""
    install_wheel(session, "--group", "typing", "--group", "benchmarks", extras=TESTED_EXTRAS)
    session.run("mypy", *PYTHON_CODE, "generated/prov_api_client", "generated/job_api_client")
    # Without the project's configuration, mypy finds the types in the installed wheel alone.
    cache = session.create_tmp()
    session.run("mypy", "--config-file=", "--strict", "--cache-dir", cache, "tests/typed")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests against the built wheel, with warnings as errors, and measure coverage.

    With arguments, as in `nox -s tests -- tests/jobs -k report`, coverage is not measured.
    """
    install_tests(session)
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *PARALLEL)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def stress(session: nox.Session) -> None:
    """Run the stress tests: kills, crashes, forks and a thousand concurrent calls."""
    install_tests(session)
    session.run("pytest", "-m", "stress and not sync_variant", *PARALLEL, *session.posargs)


@nox.session
def tests_sync(session: nox.Session) -> None:
    """Run the asynchronous client's tests with the generated synchronous client."""
    install_tests(session)
    session.run("pytest", "-m", "sync_variant", *PARALLEL, *session.posargs)


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the tests with the oldest run-time dependencies that pyproject.toml allows."""
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["sandbox"], *extras["aiohttp"]]
    required = [Requirement(line) for line in lines]
    bounds = {r.name: s.version for r in required for s in r.specifier if s.operator == ">="}
    if len(bounds) != len(required):
        session.error("a dependency has no lower bound")
    install_tests(session)
    session.install(*(f"{name}=={version}" for name, version in bounds.items()))
    session.run("pytest", *PARALLEL, *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Search for faults in the sandbox with Schemathesis; `-- --examples 500 --seed 1` for more."""
    install_tests(session)
    session.run("python", "-m", "fuzz", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def bodies(session: nox.Session) -> None:
    """Decode 100,000 random and corrupted bodies per operation; `-- --count 1000` for fewer."""
    install_tests(session)
    session.run("python", "-m", "bodies", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def interop(session: nox.Session) -> None:
    """Compare our models with the pydantic models that Provena publishes."""
    install_wheel(session, "--group", "interop")
    session.run("pytest", "tests/interop", "-m", "interop", *session.posargs)


@nox.session
def predecessor(session: nox.Session) -> None:
    """Run Provena's own Python client against the sandbox."""
    # In one command with the wheel, so that uv respects the predecessor's pins.
    install_wheel(session, "--group", "predecessor")
    session.run("pytest", "tests/predecessor", "-m", "predecessor", *session.posargs)


def install_provider(session: nox.Session) -> None:
    """Install the OpenID provider that the tests of signing in use; requires Node.js and npm."""
    with session.chdir("tests/auth_provider"):
        session.run("npm", "ci", "--no-audit", "--no-fund", "--silent", external=True)


@nox.session
def auth_provider(session: nox.Session) -> None:
    """Sign in to an independent OpenID provider; requires Node.js and npm."""
    install_provider(session)
    install_wheel(session, "--group", "auth_provider")
    session.run("pytest", *PARALLEL, "tests/auth_provider", *session.posargs)


@nox.session
def auth_browser(session: nox.Session) -> None:
    """Sign in to that provider in Chromium; also requires Debian's chromium and chromium-driver."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    if missing:
        session.error(
            f"missing: {', '.join(missing)}; run apt-get install chromium chromium-driver"
        )
    install_provider(session)
    install_wheel(session, "--group", "auth_browser")
    session.run("pytest", "tests/auth_browser", *session.posargs)


@nox.session
def dask(session: nox.Session) -> None:
    """Register ten thousand model runs through a Dask cluster, and through joblib."""
    install_wheel(session, "--group", "dask")
    session.run("pytest", "tests/cluster", "-m", "dask", *session.posargs)


@nox.session
def lint_document(session: nox.Session) -> None:
    """Lint the OpenAPI documents; requires Node.js and npm."""
    with session.chdir("openapi/lint"):
        session.run("npm", "ci", "--no-audit", "--no-fund", "--silent", external=True)
        session.run("npm", "run", "--silent", "lint", external=True)


@nox.session
def demo(session: nox.Session) -> None:
    """Register a model run and follow it to its report, against a sandbox in this process."""
    install_wheel(session)
    session.run("python", "examples/journey.py")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Run the benchmarks for docs/performance.md; `-- --quick` takes two minutes."""
    install_wheel(session, *PYPROJECT["project"]["optional-dependencies"]["aiohttp"])
    # Keep the environments of the peers between runs.
    environments = f"--environments={session.cache_dir / 'benchmarks'}"
    session.run("python", "-m", "benchmarks", environments, *session.posargs)
