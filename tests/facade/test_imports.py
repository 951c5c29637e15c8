from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import prov_facade

# Only these may know the generated packages. The rest of the facade, and what is built on it, sees
# our names alone.
MAY_IMPORT_GENERATED = {
    "_answers",
    "_arguments",
    "_bulk",
    "_documents",
    "_files",
    "_readiness",
    "_results",
    "admin",
    "bulk",
    "client",
    "csv_files",
    "errors",
    "files",
    "jobs",
    "models",
    "service",
    "transport",
}
GENERATED = {"prov_api_client", "job_api_client"}
MODULES = sorted(Path(prov_facade.__path__[0]).rglob("*.py"))


def imported(module: Path) -> set[str]:
    """The names of the modules that a module imports, also within functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_only_named_modules_import_the_generated_packages(module: Path) -> None:
    generated = {n for n in imported(module) if n.partition(".")[0] in GENERATED}
    if module.stem not in MAY_IMPORT_GENERATED:
        assert not generated
    assert "importlib" not in imported(module)


def test_the_list_of_those_modules_is_no_longer_than_it_need_be() -> None:
    users = {
        module.stem
        for module in MODULES
        if any(name.partition(".")[0] in GENERATED for name in imported(module))
    }
    assert users == MAY_IMPORT_GENERATED


def test_importing_the_package_imports_nothing_heavy_and_warns_of_nothing() -> None:
    heavy = ["pydantic", "yaml", "jsonschema", "rich", "numpy", "networkx", "trio", "pytest"]
    heavy += ["starlette", "uvicorn", "jwt", "docx", "sqlite3", "prov_facade.sandbox"]
    heavy += ["oauthlib", "keyring", "IPython"]
    # httpx itself imports rich for its command line, where all that this needs is installed.
    script = (
        "import sys, httpx\nof_httpx = set(sys.modules)\nimport prov_facade\n"
        f"print(*(name for name in {heavy} if name in set(sys.modules) - of_httpx))\n"
    )
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout.strip(), found.stderr) == (0, "", "")
