from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import api_document
import msgspec
import pytest

import job_api_client.models
import prov_api_client.models
from codegen.targets import ROOT, Target
from codegen.trees import differences, files_of
from prov_api_client import Operation
from prov_api_client.types import Model, OpenStrEnum

# By the document that it is compiled from.
PACKAGES = {
    api_document.DOCUMENT_PATH: prov_api_client,
    api_document.JOB_DOCUMENT_PATH: job_api_client,
}
OPERATIONS = [
    pytest.param(operation, id=f"{package.__name__}-{name}")
    for package in PACKAGES.values()
    for name, operation in package.OPERATIONS.items()
]
MODELS = [
    getattr(package.models, name)
    for package in PACKAGES.values()
    for name in package.models.__all__
]
DECODED = [model for model in MODELS if issubclass(model, Model | OpenStrEnum)]


def test_the_output_does_not_depend_on_the_process_or_the_folder(
    fresh: Path, target: Target, tmp_path: Path
) -> None:
    # Formatters leave such folders out, by their name or because git ignores them.
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("*\n", encoding="utf-8")
    again = tmp_path / ".nox" / fresh.name
    script = (
        "import sys; from pathlib import Path; from codegen.generator import generate;"
        "generate(Path(sys.argv[1]), Path(sys.argv[2]), source=sys.argv[1],"
        " runtime=sys.argv[3] or None)"
    )
    subprocess.run(
        [sys.executable, "-c", script, target.document, str(again), target.runtime or ""],
        cwd=ROOT,
        # The order of sets changes with the seed.
        env={**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert files_of(again) == files_of(fresh)


def test_the_checked_in_tree_is_what_the_document_compiles_to(fresh: Path, target: Target) -> None:
    assert differences(fresh, ROOT / target.package) == []


def test_every_module_opens_with_the_line_that_says_where_it_comes_from(
    fresh: Path, target: Target
) -> None:
    header = f"# Compiled from {target.document} by `nox -s codegen`: "
    modules = list(fresh.rglob("*.py"))
    assert len(modules) >= 20
    for module in modules:
        assert module.read_text(encoding="utf-8").startswith(header), module


def test_the_package_is_marked_as_typed(fresh: Path) -> None:
    assert (fresh / "py.typed").exists()


def test_no_path_of_the_machine_is_in_the_output(fresh: Path) -> None:
    for name, content in files_of(fresh).items():
        assert str(fresh.parent).encode() not in content, name
        assert str(ROOT).encode() not in content, name


def test_small_documents_compile_to_code_that_a_strict_type_check_accepts(
    compiled: Callable[..., ModuleType], documents: Path, tmp_path: Path
) -> None:
    packages = [compiled(document.stem) for document in sorted(documents.glob("*.yaml"))]
    packages.append(compiled("shapes", sharing="responses"))
    folders = [Path(str(package.__file__)).parent for package in packages]
    assert len(folders) == 5
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


@pytest.mark.parametrize(
    "model", DECODED, ids=lambda model: f"{model.__module__.partition('.')[0]}-{model.__name__}"
)
def test_every_model_can_be_decoded(model: type) -> None:
    msgspec.json.Decoder(model)


def test_only_a_body_with_a_file_is_not_decoded() -> None:
    (sent_only,) = set(MODELS) - set(DECODED)
    assert hasattr(sent_only, "to_multipart")


@pytest.mark.parametrize(
    ("table", "count"), [(prov_api_client.OPERATIONS, 27), (job_api_client.OPERATIONS, 3)]
)
def test_every_operation_is_in_the_table_under_its_name(
    table: Mapping[str, Operation[Any]], count: int
) -> None:
    assert len(table) == count
    assert {name: operation.operation_id for name, operation in table.items()} == {
        name: name for name in table
    }


def test_no_two_operations_of_the_documents_have_the_same_name() -> None:
    assert not prov_api_client.OPERATIONS.keys() & job_api_client.OPERATIONS.keys()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_response_of_an_operation_can_be_decoded(operation: Operation[Any]) -> None:
    for readers in operation.responses.values():
        for reader in readers.values():
            msgspec.json.Decoder(getattr(reader, "type", str))


def test_every_operation_of_the_job_api_is_safe_and_needs_any_token() -> None:
    for operation in job_api_client.OPERATIONS.values():
        assert (operation.safe, operation.secured, operation.roles) == (True, True, ())


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (job_api_client.models.JobStatusTable, "result"),
        (job_api_client.models.ListJobsRequest, "pagination_key"),
        (job_api_client.models.ListJobsResponse, "pagination_key"),
        (job_api_client.models.ListByBatchRequest, "pagination_key"),
        (job_api_client.models.ListByBatchResponse, "pagination_key"),
    ],
)
def test_what_is_open_is_an_optional_dictionary(model: type, name: str) -> None:
    assert get_type_hints(model)[name] == dict[str, Any] | None


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (api_document.DOCUMENT_PATH, ["ItemModelRun", "ModelRunRecord", "LineageResponse"]),
        (api_document.JOB_DOCUMENT_PATH, ["JobStatusTable", "ListByBatchRequest"]),
    ],
    ids=["prov-api", "job-api"],
)
def test_what_the_document_says_of_a_parameter_or_property_is_in_the_docstrings(
    path: Path, names: list[str]
) -> None:
    missing = []
    package, document = PACKAGES[path], api_document.load(path)
    for operation_id, entry in api_document.operations(document).items():
        tag = entry.raw["tags"][0]
        module = importlib.import_module(f"{package.__name__}.api.{tag}.{operation_id}")
        said = " ".join(module.request.__doc__.split())
        missing += [
            (operation_id, parameter["name"])
            for parameter in entry.parameters
            if " ".join(parameter["description"].split()) not in said
        ]
    for model in names:
        said = " ".join((getattr(package.models, model).__doc__ or "").split())
        schema = document["components"]["schemas"][model]
        missing += [
            (model, name)
            for name, declared in schema["properties"].items()
            if " ".join(declared.get("description", "").split()) not in said
        ]
    assert missing == []
