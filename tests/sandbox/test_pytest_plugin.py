"""The fixture ``prov_sandbox`` in the test suite of a user of prov-facade."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sandbox.pytest_process import run_pytest

SUITE = """
import httpx
import pytest


def test_without_the_fixture():
    pass


@pytest.mark.parametrize("number", range(2))
def test_each_test_gets_a_new_sandbox(prov_sandbox, number):
    assert prov_sandbox.requests == []
    assert httpx.get(prov_sandbox.url, trust_env=False).status_code == 200
    assert [request.operation_id for request in prov_sandbox.requests] == ["get_health_check"]
"""
SHARING = """
import httpx
import pytest

urls = set()


@pytest.mark.parametrize("number", range(3))
def test_tests_share_one_server(prov_sandbox, number):
    urls.add(prov_sandbox.url)
    assert len(urls) == 1


@pytest.mark.parametrize("number", range(2))
def test_a_test_can_stop_the_sandbox(prov_sandbox, number):
    prov_sandbox.stop()


class TestOptions:
    @pytest.fixture
    def prov_sandbox_options(self):
        return {"record": False}

    def test_options_apply(self, prov_sandbox):
        httpx.get(prov_sandbox.url, trust_env=False)
        assert prov_sandbox.requests == []


class TestStateFile:
    @pytest.fixture
    def prov_sandbox_options(self, tmp_path_factory):
        return {"state": tmp_path_factory.getbasetemp() / "state.db"}

    def test_a_state_file_is_kept(self, prov_sandbox):
        self.clear(prov_sandbox)

    def test_a_state_file_is_not_reset(self, prov_sandbox):
        assert self.clear(prov_sandbox) == 0

    def clear(self, sandbox):
        headers = {"Authorization": "Bearer " + sandbox.token("read", "write", "admin")}
        with httpx.Client(base_url=sandbox.url, headers=headers, trust_env=False) as client:
            study = sandbox.items("STUDY")[0].id
            found = client.get("/explore/upstream", params={"starting_id": study}).json()
            client.delete("/graph/admin/clear").raise_for_status()
            return found["record_count"]
"""
WITHOUT_THE_EXTRA = """
import sys

for name in ("docx", "jsonschema", "jwt", "python_multipart", "starlette", "uvicorn", "yaml"):
    sys.modules[name] = None  # makes their imports fail
"""


def test_the_fixture_needs_no_setup_and_shares_one_server(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(SUITE, encoding="utf-8")
    (tmp_path / "test_sharing.py").write_text(SHARING, encoding="utf-8")
    status, output = run_pytest(tmp_path)
    assert status == 0, output
    assert "11 passed" in output


def test_without_the_extra_only_the_fixture_fails_and_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(WITHOUT_THE_EXTRA, encoding="utf-8")
    (tmp_path / "test_mine.py").write_text(SUITE, encoding="utf-8")
    status, output = run_pytest(tmp_path)
    assert status == 1, output
    assert "1 passed, 2 errors" in output
    assert "pip install 'prov-facade[sandbox]'" in output


def test_the_plugin_does_not_import_prov_facade() -> None:
    """Otherwise, pytest would start more slowly wherever prov-facade is installed."""
    check = "import sys, prov_facade_pytest; sys.exit('prov_facade' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
