"""The project's chores. `nox` alone runs what has to be green; `nox -l` lists everything."""

from __future__ import annotations

import shutil
from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["codegen_check", "lint", "typing", "tests"]
nox.options.error_on_external_run = True

ROOT = Path(__file__).parent
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
PYTHON_CODE = ("src", "codegen", "tests", "examples", "benchmarks", "noxfile.py")


def install_group(session: nox.Session, *groups: str) -> None:
    """Install dependency groups of pyproject.toml."""
    session.install(*nox.project.dependency_groups(PYPROJECT, *groups))


def install_wheel(session: nox.Session, *more: str) -> None:
    """Build the wheel and install it with the sandbox: tests run against what users get."""
    dist = Path(session.create_tmp()) / "dist"
    for old in dist.glob("*.whl"):
        old.unlink()
    session.install("build")
    session.run("python", "-m", "build", "--wheel", "--outdir", str(dist), silent=True)
    (wheel,) = dist.glob("*.whl")
    # Forced, since a kept environment may hold an older build of the same version.
    session.install("--force-reinstall", f"{wheel}[sandbox]", *more)


@nox.session
def codegen(session: nox.Session) -> None:
    """Delete and rebuild generated/ from the OpenAPI documents."""
    install_group(session, "codegen")
    session.run("python", "-m", "codegen")


@nox.session
def codegen_check(session: nox.Session) -> None:
    """Fail, naming the files, when generated/ is not what the documents compile to."""
    install_group(session, "codegen")
    session.run("python", "-m", "codegen", "--check")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting; `nox -s lint -- --fix` mends what can be mended."""
    install_group(session, "lint")
    if "--fix" in session.posargs:
        session.run("ruff", "check", "--fix", *PYTHON_CODE)
        session.run("ruff", "format", *PYTHON_CODE)
    else:
        session.run("ruff", "check", *PYTHON_CODE)
        session.run("ruff", "format", "--check", *PYTHON_CODE)


@nox.session
def typing(session: nox.Session) -> None:
    """Type-check everything, the generated packages included."""
    install_group(session, "typing")
    project = PYPROJECT["project"]
    session.install(*project["dependencies"], *project["optional-dependencies"]["sandbox"])
    install_group(session, "benchmarks")
    session.install(*project["optional-dependencies"]["aiohttp"])
    session.run("mypy", "src", "generated/prov_api_client", "generated/job_api_client")
    session.run("mypy", "codegen", "tests", "examples", "benchmarks", "noxfile.py")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests against the built wheel, warnings as errors."""
    install_group(session, "tests")
    install_wheel(session, *PYPROJECT["project"]["optional-dependencies"]["aiohttp"])
    session.run("pytest", "-n", "auto", "--dist", "worksteal", *session.posargs)
    # With nothing but the installed wheel to find types in, as a user's own check has it.
    session.run(
        "mypy", "--config-file=", "--strict", "--cache-dir", session.create_tmp(), "tests/typed"
    )


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the tests with the oldest run-time dependencies that pyproject.toml allows."""
    install_group(session, "tests")
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["sandbox"], *extras["aiohttp"]]
    wanted = [Requirement(line) for line in lines]
    bounds = {r.name: spec.version for r in wanted for spec in r.specifier if spec.operator == ">="}
    if len(bounds) != len(wanted):
        session.error("a dependency has no lower bound")
    install_wheel(session, *(f"{name}=={version}" for name, version in bounds.items()))
    session.run("pytest", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Let Schemathesis look for faults of the sandbox; `-- --examples 500 --seed 1` for more."""
    install_group(session, "tests")
    install_wheel(session)
    session.run("python", "-m", "fuzz", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def bodies(session: nox.Session) -> None:
    """Read 100,000 random and damaged bodies of each operation; `-- --count 1000` for fewer."""
    install_group(session, "tests")
    install_wheel(session)
    session.run("python", "-m", "bodies", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def interop(session: nox.Session) -> None:
    """Compare our models with the pydantic models that Provena publishes."""
    install_group(session, "interop")
    install_wheel(session)
    session.run("pytest", "tests/interop", "-m", "interop", *session.posargs)


@nox.session
def predecessor(session: nox.Session) -> None:
    """Run Provena's own Python client against the sandbox."""
    # In one go with the wheel, so that what the predecessor pins is kept to.
    install_wheel(session, *nox.project.dependency_groups(PYPROJECT, "predecessor"))
    session.run("pytest", "tests/predecessor", "-m", "predecessor", *session.posargs)


def install_provider(session: nox.Session) -> None:
    """Install the OpenID provider that the tests of signing in use; needs Node.js with npm."""
    with session.chdir("tests/auth_provider"):
        session.run("npm", "ci", "--no-audit", "--no-fund", "--silent", external=True)


@nox.session
def auth_provider(session: nox.Session) -> None:
    """Sign in at an OpenID provider that nobody here wrote; needs Node.js and npm."""
    install_provider(session)
    install_wheel(session, *nox.project.dependency_groups(PYPROJECT, "auth_provider"))
    session.run("pytest", "-n", "auto", "tests/auth_provider", *session.posargs)


@nox.session
def auth_browser(session: nox.Session) -> None:
    """Sign in at that provider in Chromium; needs Debian's chromium and chromium-driver as well."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    if missing:
        session.error(
            f"there is no {' and no '.join(missing)}: apt-get install chromium chromium-driver"
        )
    install_provider(session)
    install_wheel(session, *nox.project.dependency_groups(PYPROJECT, "auth_browser"))
    session.run("pytest", "tests/auth_browser", *session.posargs)


@nox.session
def dask(session: nox.Session) -> None:
    """Register ten thousand model runs through the workers of a Dask cluster, and joblib."""
    install_wheel(session, *nox.project.dependency_groups(PYPROJECT, "dask"))
    session.run("pytest", "tests/cluster", "-m", "dask", *session.posargs)


@nox.session
def lint_document(session: nox.Session) -> None:
    """Lint the OpenAPI documents; needs Node.js and npm."""
    with session.chdir("openapi/lint"):
        session.run("npm", "ci", "--no-audit", "--no-fund", "--silent", external=True)
        session.run("npm", "run", "--silent", "lint", external=True)


@nox.session
def demo(session: nox.Session) -> None:
    """Show a model run's whole journey, against a sandbox in this process."""
    install_wheel(session)
    session.run("python", "examples/journey.py")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Measure what the project claims, for docs/performance.md; `-- --quick` takes two minutes."""
    install_wheel(session, *PYPROJECT["project"]["optional-dependencies"]["aiohttp"])
    # Kept from run to run: the environments of the peers.
    kept = f"--environments={session.cache_dir / 'benchmarks'}"
    session.run("python", "-m", "benchmarks", kept, *session.posargs)
