"""Runs Python in another process."""

from __future__ import annotations

import os
import subprocess
import sys


def run_python(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run Python with the import path of this process, and return its status and output."""
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
