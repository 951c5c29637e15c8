"""What the README and the guide show must work as it stands."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from contract_server import ContractServer

from prov_facade import errors

ROOT = Path(__file__).parent.parent
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def python_in(page: str) -> str:
    text = (ROOT / page).read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


def compiled(source: str) -> CodeType:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code: CodeType = compile(source, "page", "exec", flags=flags)
    return code


@pytest.fixture
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROV_TOKEN", "...")
    return tmp_path


def run(source: str, server: ContractServer) -> None:
    """Run the code against the mock server: only the address is another one."""
    assert 'Config("provena.example.org", "provena")' in source
    source = source.replace('Config("provena.example.org", "provena")', "__config__")
    names: dict[str, Any] = {"__config__": server.config, "__name__": "page"}

    async def running() -> None:
        outcome = eval(compiled(source), names)  # noqa: S307  (the project's own pages)
        if inspect.isawaitable(outcome):
            await outcome
        if "client" in names:
            await names["client"].aclose()

    asyncio.run(running())


def test_the_guide_runs_from_top_to_bottom(
    in_empty_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ContractServer(token="...") as server:
        server.answer("generate_report", media_type=DOCX)
        run(python_in("docs/guide.md"), server)
        server.check()

    assert (in_empty_folder / "report.docx").read_bytes().startswith(b"PK")
    assert "modle_version" in capsys.readouterr().out


def test_the_readme_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    source = python_in("README.md").replace("asyncio.run(main())", "await main()")
    with ContractServer(token="...") as server:
        run(source, server)
        server.check()
        assert [received.operation_id for received in server.received] == ["explore_upstream"]
    assert "wasAssociatedWith" in capsys.readouterr().out


def test_the_guide_lists_every_error() -> None:
    text = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    expected = {name for name in errors.__all__ if name.endswith("Error")}
    # The roots are in the prose, and no job is followed yet.
    assert listed == expected - {
        "ProvError",
        "APIError",
        "JobError",
        "JobFailedError",
        "JobTimeoutError",
    }


def test_ci_runs_the_test_command_of_the_readme() -> None:
    commands = re.findall(r"^python3 -m venv.*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(commands) == 2
    assert commands[1] in (ROOT / ".ci" / "run").read_text().splitlines()


def test_the_code_of_the_pages_passes_a_type_check(tmp_path: Path) -> None:
    body = textwrap.indent(python_in("docs/guide.md"), "    ")
    page = f"async def page() -> None:\n{body}\n\n{python_in('README.md')}"
    source = tmp_path / "page.py"
    source.write_text(page, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", "--check-untyped-defs", str(source)],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": os.environ.get("PYTHONPATH", "")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
