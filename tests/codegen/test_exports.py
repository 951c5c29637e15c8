from __future__ import annotations

from pathlib import Path

import pytest

from codegen.errors import CodegenError
from codegen.exports import write_exports
from prov_facade import _exports, models


def write(root: Path, package: str, classes: dict[str, str]) -> Path:
    """Write the models of a generated package, each with the body of its class."""
    folder = root / package / "models"
    folder.mkdir(parents=True)
    imports = [f"from .{name.lower()} import {name}\n" for name in classes]
    (folder / "__init__.py").write_text("from ..types import prepare\n" + "".join(imports))
    for name, body in classes.items():
        text = f'"""A module."""\n\n\nclass {name}:\n    """A model."""\n\n    {body}\n'
        (folder / f"{name.lower()}.py").write_text(text)
    return root / package


def test_every_model_is_listed_once_and_taken_from_the_first_package(tmp_path: Path) -> None:
    sources = [
        write(tmp_path, "first", {"Zebra": "x: int", "Both": "y: int"}),
        write(tmp_path, "second", {"Apple": "z: int", "Both": "y: int"}),
    ]
    write_exports(sources, tmp_path / "package", public={}, header="# A header.\n")
    text = (tmp_path / "package" / "models.py").read_text()
    assert text.startswith("# A header.\n")
    assert "from first.models import Both, Zebra\n" in text
    assert "from second.models import Apple\n" in text
    assert '__all__ = ["Apple", "Both", "Zebra"]\n' in text


def test_different_models_with_the_same_name_are_rejected(tmp_path: Path) -> None:
    sources = [
        write(tmp_path, "first", {"Both": "y: int"}),
        write(tmp_path, "second", {"Both": "y: str"}),
    ]
    with pytest.raises(CodegenError, match="second and another package define Both differently"):
        write_exports(sources, tmp_path / "package", public={}, header="")


def test_a_missing_package_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CodegenError, match="the models of gone cannot be parsed"):
        write_exports([tmp_path / "gone"], tmp_path / "package", public={}, header="")


def test_models_that_look_like_errors_are_not_exported_by_the_facade() -> None:
    not_exported = set(models.__all__) - set(_exports.__all__)
    assert not_exported == {
        "BodyConvertModelRunsCsv",
        "ErrorDetail",
        "HTTPValidationError",
        "ValidationError",
    }
