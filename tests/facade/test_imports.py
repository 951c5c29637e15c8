from __future__ import annotations

import os
import subprocess
import sys


def test_importing_the_package_is_light_and_without_warnings() -> None:
    heavy = ["pydantic", "yaml", "jsonschema", "rich", "numpy", "networkx", "trio", "pytest"]
    heavy += ["starlette", "uvicorn", "jwt", "docx", "sqlite3", "prov_facade.sandbox"]
    heavy += ["oauthlib", "keyring", "IPython"]
    # httpx imports rich for its command line if the packages for that are installed.
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
