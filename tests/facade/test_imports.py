"""Imports load only the modules that they need."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from python_process import run_python

# Needed only for the sandbox, signing in or manifests, or not at all.
HEAVY = {
    *("starlette", "uvicorn", "jwt", "docx", "yaml", "jsonschema", "prov_facade.sandbox"),
    *("oauthlib", "keyring", "platformdirs", "filelock", "sqlite3", "prov_facade._auth.manager"),
    *("pydantic", "rich", "numpy", "networkx", "trio", "pytest", "IPython", "aiohttp"),
}
SYNC, ASYNC = "prov_facade._sync.base_client", "prov_facade._async.base_client"


@pytest.mark.parametrize(
    ("statement", "not_loaded"),
    [
        ("import prov_facade", {*HEAVY, SYNC, ASYNC, "httpx", "msgspec"}),
        ("from prov_facade import ProvClient", {*HEAVY, SYNC}),
        ("from prov_facade import SyncProvClient", {*HEAVY, ASYNC}),
    ],
)
def test_an_import_loads_only_what_it_needs_without_warnings(
    statement: str, not_loaded: set[str]
) -> None:
    # httpx imports rich, if it is installed, for its command line.
    httpx = "" if "httpx" in not_loaded else "import httpx"
    script = (
        f"import sys\n{httpx}\nbefore = set(sys.modules)\n{statement}\n"
        f"print(*sorted({not_loaded} & (set(sys.modules) - before)))\n"
    )
    # Coverage would import sqlite3.
    environment = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout.strip(), found.stderr) == (0, "", "")


@pytest.mark.stress
def test_lazy_imports_are_thread_safe() -> None:
    script = """
import sys, threading
import prov_facade
sys.setswitchinterval(1e-5)
names = ["ProvClient", "SyncProvClient", "JobsClient", "models", "BulkProgress", "connect"]
statements = [f"prov_facade.{name}" for name in names] + [
    "from prov_facade.models import ModelRunRecord",
    "from prov_facade import SyncJobsClient, PollPolicy",
]
barrier = threading.Barrier(len(statements))
def first_use(statement):
    barrier.wait()
    exec(statement)
for statement in statements:
    threading.Thread(target=first_use, args=(statement,)).start()
"""
    for _ in range(3):
        found = run_python("-W", "error", "-c", script)
        assert (found.returncode, found.stderr) == (0, "")
