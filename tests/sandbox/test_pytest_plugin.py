"""The fixture ``prov_sandbox``, in the suite of somebody who has installed prov-facade."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SUITE = """
import httpx


def test_of_something_else():
    pass


def test_that_it_serves(prov_sandbox):
    assert httpx.get(prov_sandbox.url, trust_env=False).status_code == 200
    assert [r.operation_id for r in prov_sandbox.requests] == ["get_health_check"]


def test_that_each_test_has_its_own(prov_sandbox):
    assert prov_sandbox.requests == []
"""
WITHOUT_THE_EXTRA = """
import sys

for name in ("docx", "jsonschema", "jwt", "python_multipart", "starlette", "uvicorn", "yaml"):
    sys.modules[name] = None  # what is None there cannot be imported
"""


def outcome(folder: Path) -> tuple[int, str]:
    """Run the suite of a folder as its owner would, warnings as errors."""
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    (folder / "test_mine.py").write_text(SUITE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_fixture_is_there_without_further_ado(tmp_path: Path) -> None:
    status, said = outcome(tmp_path)
    assert status == 0, said
    assert "3 passed" in said


def test_without_the_extra_only_the_fixture_fails_and_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(WITHOUT_THE_EXTRA, encoding="utf-8")
    status, said = outcome(tmp_path)
    assert status == 1, said
    assert "1 passed, 2 errors" in said
    assert "pip install 'prov-facade[sandbox]'" in said
