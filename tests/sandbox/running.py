"""Runs clients and test suites that use a sandbox."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import sandbox_checks

from prov_facade import ProvClient, RetryPolicy
from prov_facade.sandbox import Sandbox

T = TypeVar("T")


def call(sandbox: Sandbox, work: Callable[[ProvClient], Awaitable[T]]) -> T:
    """Run something with a client that has all roles, in a new event loop."""

    async def running() -> T:
        auth = sandbox.auth("read", "write", "admin")
        async with ProvClient(auth, sandbox.config, retries=RetryPolicy.none()) as client:
            return await work(client)

    return asyncio.run(running())


def pytest_in(folder: Path, *, checked: bool = True) -> tuple[int, str]:
    """Run the test suite in a folder like a user, with warnings as errors.

    Args:
        folder: The folder.
        checked: Whether ``sandbox_checks`` checks its sandboxes.
    """
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    paths = [str(Path(sandbox_checks.__file__).parent), environment.get("PYTHONPATH", "")]
    plugins = ["no:cacheprovider", *(["sandbox_checks"] if checked else [])]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *(f"-p{plugin}" for plugin in plugins)],
        cwd=folder,
        env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr
