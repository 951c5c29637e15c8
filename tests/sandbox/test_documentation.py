"""The examples in docs/sandbox.md and the README work as they are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from sandbox.running import pytest_in

from prov_facade.sandbox import Sandbox
from prov_facade.sandbox.__main__ import _parser

ROOT = Path(__file__).parents[2]


def blocks(language: str, page: str = "docs/sandbox.md") -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    example = blocks("python")[0]
    exec(compile(example, "page", "exec"), {"__name__": "page"})  # noqa: S102  (a page of this repository)
    assert capsys.readouterr().out.endswith("['explore_upstream', 'register_model_run']\n")


def test_the_examples_of_tests_pass(tmp_path: Path) -> None:
    for name, page in (("sandbox", "docs/sandbox.md"), ("readme", "README.md")):
        examples = [block for block in blocks("python", page) if "prov_sandbox" in block]
        assert examples
        (tmp_path / f"test_{name}.py").write_text("\n\n".join(examples), encoding="utf-8")
    status, output = pytest_in(tmp_path)
    assert status == 0, output
    assert "2 passed" in output


def test_the_seed_is_valid(tmp_path: Path) -> None:
    (seed,) = blocks("yaml")
    path = tmp_path / "seed.yaml"
    path.write_text(seed, encoding="utf-8")
    with Sandbox(seed=path) as sandbox:
        assert [item.id for item in sandbox.items("MODEL_RUN")] == ["test/run"]


def test_the_command_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    command = shlex.split(blocks("sh")[1])
    assert command[:3] == ["python", "-m", "prov_facade.sandbox"]
    assert _parser().parse_args(command[3:]).port == 8000
    assert not capsys.readouterr().err
