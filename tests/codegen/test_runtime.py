from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

import job_api_client
import prov_api_client
from codegen.targets import ROOT, TARGETS
from codegen.trees import files_of

RUNTIME = {"client.py", "errors.py", "operation.py", "types.py"}


@pytest.fixture(scope="module")
def owner(compiled: Callable[..., ModuleType]) -> Any:
    """A package with its own runtime."""
    return compiled("responses")


@pytest.fixture(scope="module")
def sharer(compiled: Callable[..., ModuleType]) -> Any:
    """A package that uses the runtime of ``owner``."""
    return compiled("shapes", sharing="responses")


def test_a_package_has_its_own_runtime_unless_it_shares_one(
    compiled: Callable[..., ModuleType], sharer: Any
) -> None:
    own = files_of(Path(str(compiled("shapes").__file__)).parent)
    sharing = files_of(Path(sharer.__file__).parent)
    assert own.keys() - sharing.keys() == RUNTIME
    assert sharing.keys() <= own.keys()


@pytest.mark.parametrize("name", ["AuthenticatedClient", "Client", "Operation", "Request"])
def test_the_classes_of_a_shared_runtime_are_the_same(owner: Any, sharer: Any, name: str) -> None:
    assert getattr(sharer, name) is getattr(owner, name)
    assert getattr(job_api_client, name) is getattr(prov_api_client, name)


def test_a_package_with_a_shared_runtime_exports_the_same_names(owner: Any, sharer: Any) -> None:
    assert sharer.__all__ == owner.__all__
    assert job_api_client.__all__ == prov_api_client.__all__


def test_operations_models_and_enums_use_the_shared_runtime(owner: Any, sharer: Any) -> None:
    operation = sharer.OPERATIONS["echo_shape"]
    assert type(operation) is owner.Operation
    assert type(operation.responses["200"]["application/json"]) is owner.operation.Json
    assert issubclass(sharer.models.Shape, owner.types.Model)
    assert issubclass(sharer.models.Kind, owner.types.OpenStrEnum)


def test_each_package_has_its_own_table_of_operations(owner: Any, sharer: Any) -> None:
    assert not sharer.OPERATIONS.keys() & owner.OPERATIONS.keys()


def test_a_client_of_the_shared_runtime_sends_operations_of_both_packages(
    call: Callable[..., Any], sharer: Any, httpserver: HTTPServer
) -> None:
    def echo(request: Request) -> Response:
        return Response(request.get_data(), content_type="application/json")

    httpserver.expect_request("/shapes", method="POST").respond_with_handler(echo)
    shape = sharer.models.Shape(name="ball", type=sharer.models.Kind("sphere"))
    assert call(sharer.api.shapes.echo_shape, body=shape) == shape


def test_an_unreadable_response_raises_an_error_of_the_shared_runtime(
    call: Callable[..., Any], owner: Any, sharer: Any, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/shapes").respond_with_data("[]", content_type="application/json")
    shape = sharer.models.Shape(name="ball", type=sharer.models.Kind("sphere"))
    with pytest.raises(owner.errors.UnreadableBody):
        call(sharer.api.shapes.echo_shape, body=shape)


def test_the_order_of_imports_does_not_depend_on_the_current_directory(
    sharer: Any, documents: Path, tmp_path: Path
) -> None:
    # In this directory, ruff would take the runtime for a first-party package.
    (tmp_path / "compiled_responses").mkdir()
    (tmp_path / "compiled_responses" / "__init__.py").touch()
    again = tmp_path / "out" / Path(sharer.__file__).parent.name
    script = (
        "import sys; from pathlib import Path; from codegen.generator import generate;"
        "generate(Path(sys.argv[1]), Path(sys.argv[2]), source='shapes.yaml',"
        " runtime='compiled_responses')"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(documents / "shapes.yaml"), str(again)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert files_of(again) == files_of(Path(sharer.__file__).parent)


def test_a_target_shares_the_runtime_of_another_target() -> None:
    owners = {Path(target.package).name for target in TARGETS if target.runtime is None}
    assert {target.runtime for target in TARGETS if target.runtime is not None} == {
        "prov_api_client"
    }
    assert "prov_api_client" in owners
