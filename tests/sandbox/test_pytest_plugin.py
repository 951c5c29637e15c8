"""The fixture ``prov_sandbox``, in the suite of somebody who has installed prov-facade."""

from __future__ import annotations

from pathlib import Path

from sandbox.running import pytest_in

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


def test_the_fixture_is_there_without_further_ado(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(SUITE, encoding="utf-8")
    status, said = pytest_in(tmp_path)
    assert status == 0, said
    assert "3 passed" in said


def test_without_the_extra_only_the_fixture_fails_and_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(WITHOUT_THE_EXTRA, encoding="utf-8")
    (tmp_path / "test_mine.py").write_text(SUITE, encoding="utf-8")
    status, said = pytest_in(tmp_path, checked=False)
    assert status == 1, said
    assert "1 passed, 2 errors" in said
    assert "pip install 'prov-facade[sandbox]'" in said


def test_it_brings_nothing_along_where_it_is_not_used(tmp_path: Path) -> None:
    """Whoever has prov-facade installed would wait for it at every start of pytest."""
    (tmp_path / "test_mine.py").write_text(
        "import sys\n\ndef test_that():\n    assert 'prov_facade' not in sys.modules\n",
        encoding="utf-8",
    )
    status, said = pytest_in(tmp_path, checked=False)
    assert status == 0, said


def test_the_options_are_for_each_suite_to_set(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        """
import pytest


@pytest.fixture
def prov_sandbox_options(tmp_path):
    return {"state": tmp_path / "state.db"}


def test_that(prov_sandbox, tmp_path):
    assert (tmp_path / "state.db").exists()
""",
        encoding="utf-8",
    )
    status, said = pytest_in(tmp_path)
    assert status == 0, said
