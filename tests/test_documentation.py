"""The examples in the README and the guide work, and match the project."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from types import CodeType
from typing import Any, Literal

import pytest
import yaml
from sandbox.caller import record_of

from examples import journey
from prov_facade import ProvClient, errors
from prov_facade.sandbox import Sandbox

ROOT = Path(__file__).parent.parent


def python_in(page: str) -> str:
    return code_in(page, "python")


def code_in(page: str, language: str) -> str:
    text = (ROOT / page).read_text(encoding="utf-8")
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL))


def compiled(source: str) -> CodeType:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code: CodeType = compile(source, "page", "exec", flags=flags)
    return code


@pytest.fixture
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROV_TOKEN", "...")
    monkeypatch.setenv("PROV_CLIENT_SECRET", "...")
    return tmp_path


def run(source: str, sandbox: Sandbox, **names: Any) -> None:
    """Run code against a sandbox, replacing only the deployment and the token."""
    for shown, used in {
        'Config("provena.example.org", "provena")': "__config__",
        'BearerToken("...")': "__auth__",
    }.items():
        assert shown in source
        source = source.replace(shown, used)
    names |= {
        "__config__": sandbox.config,
        "__auth__": sandbox.auth("read", "write", "admin"),
        "__name__": "page",
    }

    async def execute() -> None:
        outcome = eval(compiled(source), names)  # noqa: S307  (the project's own pages)
        if inspect.isawaitable(outcome):
            await outcome
        for name in ("client", "patient", "impatient"):
            if isinstance(names.get(name), ProvClient):
                await names[name].aclose()

    asyncio.run(execute())


@pytest.mark.parametrize("style", ["document", "job"])
def test_the_guide_runs_from_top_to_bottom(
    style: Literal["document", "job"],
    in_empty_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    placeholder = "# ... fill in a row for each model run ...\n"
    source = python_in("docs/guide.md")
    assert placeholder in source
    source = source.replace(placeholder, "__fill_in__(Path('runs.csv'))\n")
    with Sandbox(report_style=style) as sandbox:
        settings = in_empty_folder / "config.toml"
        settings.write_text(settings_for(sandbox), encoding="utf-8")
        monkeypatch.setenv("PROV_CONFIG_FILE", str(settings))
        monkeypatch.setenv("PROV_TOKEN", sandbox.token("read", username="reader"))
        run(source, sandbox, __fill_in__=fill_in)

    assert (in_empty_folder / "report.docx").read_bytes().startswith(b"PK")
    assert (in_empty_folder / "runs.csv").read_text(encoding="utf-8").count("SUCCEEDED") == 2
    output = capsys.readouterr().out
    assert "modle_version" in output
    assert "0 10378.1/" in output
    assert "1 10378.1/" in output
    assert "reader" in output.splitlines()  # the user of the token in the environment


def settings_for(sandbox: Sandbox) -> str:
    """Return the guide's configuration file, with a sandbox as its deployment."""
    domain = 'domain = "provena.example.org"\n'
    override = f'prov_api_endpoint_override = "{sandbox.url}"\n'
    return code_in("docs/guide.md", "toml").replace(domain, domain + override)


def fill_in(path: Path) -> None:
    """Add two model runs to the template."""
    filled = journey.filled_in(path.read_text(encoding="utf-8"), journey.ROWS)
    path.write_text(filled, encoding="utf-8", newline="")


@pytest.mark.parametrize("links_key", ["links", "edges"])
def test_the_readme_examples_run(
    links_key: Literal["links", "edges"], capsys: pytest.CaptureFixture[str]
) -> None:
    source = python_in("README.md").replace("asyncio.run(main())", "await main()")
    with Sandbox(links_key=links_key) as sandbox:
        run(source, sandbox, record=record_of(sandbox))
        operations = [received.operation_id for received in sandbox.requests]

    # Once with each client.
    assert operations.count("explore_upstream") == 2
    assert operations.count("register_model_run") == 2
    output = capsys.readouterr().out.splitlines()
    assert any("wasAssociatedWith" in line for line in output)
    assert len({line for line in output if line.startswith("10378.1/2")}) == 2


def test_the_guide_lists_every_error() -> None:
    text = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    expected = {name for name in errors.__all__ if name.endswith("Error")}
    # The text describes the base classes.
    assert listed == expected - {
        "ProvError",
        "APIError",
        "JobError",
    }


def test_ci_runs_the_test_command_of_the_readme() -> None:
    commands = re.findall(r"^python3 -m venv.*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(commands) == 2
    assert commands[1] in (ROOT / ".ci" / "run").read_text().splitlines()


def test_pre_commit_uses_the_versions_that_pyproject_pins() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = pyproject["dependency-groups"]
    pinned = {line for line in groups["codegen"] + groups["lint"] if "==" in line}
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    used = {
        requirement
        for repository in config["repos"]
        for hook in repository["hooks"]
        for requirement in hook["additional_dependencies"]
    }
    assert used == pinned


def test_the_code_in_the_pages_type_checks(tmp_path: Path) -> None:
    body = textwrap.indent(python_in("docs/guide.md"), "    ")
    readme = f"record: dict[str, object] = {{}}\n{python_in('README.md')}"
    page = f"async def page() -> None:\n{body}\n\n{readme}"
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
