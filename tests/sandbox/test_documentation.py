"""The examples in docs/sandbox.md and the README work unchanged."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

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


@pytest.mark.parametrize("page", ["docs/sandbox.md", "README.md"])
def test_the_example_test_passes(page: str, sandbox: Sandbox) -> None:
    namespace: dict[str, Any] = {"__name__": "page"}
    for block in blocks("python", page):
        if "prov_sandbox" in block:
            exec(compile(block, "page", "exec"), namespace)  # noqa: S102  (a page of this repository)
    (example,) = [value for name, value in namespace.items() if name.startswith("test_")]
    example(sandbox)


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
