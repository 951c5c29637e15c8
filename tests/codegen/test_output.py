from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import api_document
import msgspec
import pytest

import prov_api_client
from codegen.targets import ROOT, TARGETS
from codegen.trees import differences, files_of
from prov_api_client import models
from prov_api_client.types import Model, OpenStrEnum

(TARGET,) = TARGETS
HEADER = f"# Compiled from {TARGET.document} by `nox -s codegen`: "
DECODED = [
    model
    for model in map(models.__dict__.__getitem__, models.__all__)
    if issubclass(model, Model | OpenStrEnum)
]


def test_the_output_does_not_depend_on_the_process_or_the_folder(
    fresh: Path, tmp_path: Path
) -> None:
    # Formatters leave such folders out, by their name or because git ignores them.
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("*\n", encoding="utf-8")
    again = tmp_path / ".nox" / fresh.name
    script = (
        "import sys; from pathlib import Path; from codegen.generator import generate;"
        "generate(Path(sys.argv[1]), Path(sys.argv[2]), source=sys.argv[1])"
    )
    subprocess.run(
        [sys.executable, "-c", script, TARGET.document, str(again)],
        cwd=ROOT,
        # The order of sets changes with the seed.
        env={**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert files_of(again) == files_of(fresh)


def test_the_checked_in_tree_is_what_the_document_compiles_to(fresh: Path) -> None:
    assert differences(fresh, ROOT / TARGET.package) == []


def test_every_module_opens_with_the_line_that_says_where_it_comes_from(fresh: Path) -> None:
    modules = list(fresh.rglob("*.py"))
    assert len(modules) > 50
    for module in modules:
        assert module.read_text(encoding="utf-8").startswith(HEADER), module


def test_the_package_is_marked_as_typed(fresh: Path) -> None:
    assert (fresh / "py.typed").exists()


def test_no_path_of_the_machine_is_in_the_output(fresh: Path) -> None:
    for name, content in files_of(fresh).items():
        assert str(fresh.parent).encode() not in content, name
        assert str(ROOT).encode() not in content, name


def test_small_documents_compile_to_code_that_a_strict_type_check_accepts(
    compiled: Callable[[str], ModuleType], documents: Path, tmp_path: Path
) -> None:
    packages = [compiled(document.stem) for document in sorted(documents.glob("*.yaml"))]
    folders = [Path(str(package.__file__)).parent for package in packages]
    assert len(folders) == 4
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(tmp_path)]
        + [folder.name for folder in folders],
        cwd=folders[0].parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "Success: no issues found" in checked.stdout


@pytest.mark.parametrize("model", DECODED, ids=lambda model: model.__name__)
def test_every_model_can_be_decoded(model: type) -> None:
    msgspec.json.Decoder(model)


def test_only_a_body_with_a_file_is_not_decoded() -> None:
    (sent_only,) = {getattr(models, name) for name in models.__all__} - set(DECODED)
    assert hasattr(sent_only, "to_multipart")


def test_every_operation_is_in_the_table_under_its_name() -> None:
    table = prov_api_client.OPERATIONS
    assert len(table) == 27
    assert {name: operation.operation_id for name, operation in table.items()} == {
        name: name for name in table
    }


@pytest.mark.parametrize("operation", prov_api_client.OPERATIONS)
def test_every_response_of_an_operation_can_be_decoded(operation: str) -> None:
    for readers in prov_api_client.OPERATIONS[operation].responses.values():
        for reader in readers.values():
            msgspec.json.Decoder(getattr(reader, "type", str))


def test_what_the_document_says_of_a_parameter_or_property_is_in_the_docstrings() -> None:
    missing = []
    for operation_id, entry in api_document.operations().items():
        tag = entry.raw["tags"][0]
        module = importlib.import_module(f"prov_api_client.api.{tag}.{operation_id}")
        said = " ".join(module.request.__doc__.split())
        missing += [
            (operation_id, parameter["name"])
            for parameter in entry.parameters
            if " ".join(parameter["description"].split()) not in said
        ]
    for model in (models.ItemModelRun, models.ModelRunRecord, models.LineageResponse):
        said = " ".join((model.__doc__ or "").split())
        schema = api_document.load()["components"]["schemas"][model.__name__]
        missing += [
            (model.__name__, name)
            for name, declared in schema["properties"].items()
            if " ".join(declared.get("description", "").split()) not in said
        ]
    assert missing == []
