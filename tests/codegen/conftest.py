from __future__ import annotations

import asyncio
import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from codegen.generator import generate
from codegen.targets import ROOT, TARGETS, Target

DOCUMENTS = Path(__file__).parent / "documents"


@pytest.fixture(scope="session")
def documents() -> Path:
    """The folder of the small documents."""
    return DOCUMENTS


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., ModuleType]]:
    """Compile a small document and import all modules of the package, once per session.

    With ``sharing``, the package uses the runtime of another document's package.
    """
    folder = tmp_path_factory.mktemp("compiled")
    packages: dict[str, ModuleType] = {}

    def compile_once(document: str, *, sharing: str | None = None) -> ModuleType:
        runtime = None if sharing is None else f"compiled_{sharing}"
        name = f"compiled_{document}" + ("" if sharing is None else f"_sharing_{sharing}")
        if name not in packages:
            if sharing is not None:
                compile_once(sharing)
            target = folder / name
            generate(
                DOCUMENTS / f"{document}.yaml", target, source=f"{document}.yaml", runtime=runtime
            )
            packages[name] = import_package(target)
        return packages[name]

    yield compile_once
    roots = {package.__name__ for package in packages.values()}
    for name in [name for name in sys.modules if name.partition(".")[0] in roots]:
        del sys.modules[name]


def import_package(folder: Path) -> ModuleType:
    """Import a package and all its modules from a folder that is not on `sys.path`."""
    spec = spec_from_file_location(folder.name, folder / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    package = sys.modules[folder.name] = module_from_spec(spec)
    spec.loader.exec_module(package)
    for module in pkgutil.walk_packages(package.__path__, f"{folder.name}."):
        importlib.import_module(module.name)
    return package


@pytest.fixture(scope="session", params=TARGETS, ids=lambda target: Path(target.package).name)
def target(request: pytest.FixtureRequest) -> Target:
    """Each document and its package."""
    found: Target = request.param
    return found


@pytest.fixture(scope="session")
def fresh(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package freshly compiled from a document of this project."""
    package = tmp_path_factory.mktemp("fresh") / Path(target.package).name
    generate(ROOT / target.document, package, source=target.document, runtime=target.runtime)
    return package


@pytest.fixture(params=["sync", "asyncio"])
def call(request: pytest.FixtureRequest, httpserver: HTTPServer) -> Callable[..., Any]:
    """Call an operation on the test server, through its synchronous or asynchronous function."""
    url = httpserver.url_for("").rstrip("/")

    def send(
        operation: ModuleType, *, detailed: bool = False, token: str | None = None, **arguments: Any
    ) -> Any:
        package = sys.modules[operation.__name__.partition(".")[0]]
        settings: dict[str, Any] = {"httpx_args": {"trust_env": False}}
        if token is None:
            client = package.Client(url, **settings)
        else:
            client = package.AuthenticatedClient(url, token=token, **settings)
        function = getattr(operation, f"{request.param}_detailed" if detailed else request.param)
        if request.param == "sync":
            with client:
                return function(client=client, **arguments)

        async def send_and_close() -> Any:
            async with client:
                return await function(client=client, **arguments)

        return asyncio.run(send_and_close())

    return send
