"""What docs/sandbox.md shows works as it stands."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from prov_facade.sandbox import Sandbox
from prov_facade.sandbox.__main__ import _parser

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"


def blocks(language: str) -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_python_example_runs(tmp_path: Path) -> None:
    example, _ = blocks("python")
    said = run(tmp_path, "-W", "error", "-c", example)
    assert said.endswith("['explore_upstream', 'register_model_run']\n")


def test_the_example_of_a_test_passes(tmp_path: Path) -> None:
    _, example = blocks("python")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    (tmp_path / "test_example.py").write_text(example, encoding="utf-8")
    assert "1 passed" in run(tmp_path, "-m", "pytest", "-p", "no:cacheprovider")


def test_the_seed_can_be_used(tmp_path: Path) -> None:
    (seed,) = blocks("yaml")
    path = tmp_path / "seed.yaml"
    path.write_text(seed, encoding="utf-8")
    with Sandbox(seed=path) as sandbox:
        assert [item.id for item in sandbox.items("MODEL_RUN")] == ["test/run"]


def test_the_command_is_understood(capsys: pytest.CaptureFixture[str]) -> None:
    command = shlex.split(blocks("sh")[1])
    assert command[:3] == ["python", "-m", "prov_facade.sandbox"]
    assert _parser().parse_args(command[3:]).port == 8000
    assert not capsys.readouterr().err
