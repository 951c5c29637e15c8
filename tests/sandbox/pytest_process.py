"""Runs test suites as a user of prov-facade would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# The suites do not need the plugin of Schemathesis, which is slow to load.
_PLUGINS = ("-pno:cacheprovider", "-pno:schemathesis")


def run_pytest(folder: Path) -> tuple[int, str]:
    """Run the test suite in a folder with warnings as errors.

    Returns:
        The exit status and the output.
    """
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *_PLUGINS],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr
