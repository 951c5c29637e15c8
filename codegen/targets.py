"""What is generated, and from what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codegen.errors import CodegenError
from codegen.generator import generate
from codegen.synchronous import synchronous, unused_rules

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Target:
    """One OpenAPI document and the package that is compiled from it.

    Attributes:
        document: The OpenAPI document, relative to the root of the repository.
        package: The folder of the generated package, relative to the root of the repository.
        runtime: The import name of the generated package whose run time this one shares. By default
            it has its own.
    """

    document: str
    package: str
    runtime: str | None = None

    @property
    def source(self) -> str:
        """What it is made from."""
        return self.document

    def build(self, root: Path, package: Path) -> None:
        """Write the package to a folder that does not exist.

        Raises:
            CodegenError: If the document asks for something that cannot be generated.
        """
        generate(root / self.document, package, source=self.document, runtime=self.runtime)


@dataclass(frozen=True)
class Twin:
    """An asynchronous package of the facade, and the synchronous one that is made of it.

    Attributes:
        source: The folder of the one, relative to the root of the repository.
        package: The folder of the other.
    """

    source: str
    package: str

    def build(self, root: Path, package: Path) -> None:
        """Write the package to a folder that does not exist.

        Raises:
            CodegenError: If the source cannot be turned into synchronous code, or there is a rule
                for it that it does not need.
        """
        if unused := unused_rules(root / self.source):
            raise CodegenError(
                f"unasync rules that nothing uses: {', '.join(map(repr, unused))}: delete them from"
                " codegen/synchronous.py"
            )
        header = f"# Made of {self.source} by `nox -s codegen`: change that, not this file.\n"
        synchronous(root / self.source, package, header=header)


TARGETS = (
    Target(document="openapi/prov-api.yaml", package="generated/prov_api_client"),
    # One run time, since whoever sends requests and reads answers handles those of both packages.
    Target(
        document="openapi/job-api.yaml",
        package="generated/job_api_client",
        runtime="prov_api_client",
    ),
)

TWIN = Twin(source="src/prov_facade/_async", package="src/prov_facade/_sync")
