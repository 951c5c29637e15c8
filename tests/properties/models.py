"""The generated class of each schema."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from api_document import DOCUMENT_PATH, JOB_DOCUMENT_PATH, Node, load
from hypothesis import HealthCheck, settings

import job_api_client.models
import prov_api_client.models
from prov_api_client.types import Model, OpenStrEnum

# The package generated from each document.
PACKAGES: dict[Path, ModuleType] = {
    DOCUMENT_PATH: prov_api_client.models,
    JOB_DOCUMENT_PATH: job_api_client.models,
}

# The values are always the same, so that a new failure means a change in the code.
SETTINGS = settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    # Slow strategies say nothing about the models.
    suppress_health_check=[HealthCheck.too_slow],
)

# Upload forms, which are not JSON.
FORMS = {"Body_convert_model_runs_csv"}

# Has an optional field without a default that is not nullable, as on the server. Clients read it as
# None, and never send it.
READ_ONLY = {"HTTPValidationError"}


def class_name(schema_name: str) -> str:
    """Return the name of the class of a schema."""
    if "_" not in schema_name:
        return schema_name
    return "".join(part[:1].upper() + part[1:] for part in schema_name.split("_"))


def schemas(kind: str, path: Path = DOCUMENT_PATH) -> dict[str, Node]:
    """Return the schemas of a type: those of models are objects, those of enums are strings."""
    return {
        name: schema
        for name, schema in load(path)["components"]["schemas"].items()
        if schema["type"] == kind and name not in FORMS
    }


@dataclass(frozen=True)
class Compiled:
    """A schema with a generated class.

    Attributes:
        path: Its document.
        name: Its name.
    """

    path: Path
    name: str

    def __str__(self) -> str:
        return f"{self.path.stem}-{self.name}"

    @property
    def document(self) -> Node:
        return load(self.path)

    @property
    def schema(self) -> Node:
        found: Node = self.document["components"]["schemas"][self.name]
        return found

    @property
    def cls(self) -> Any:
        return getattr(PACKAGES[self.path], class_name(self.name))


EVERY_MODEL = [Compiled(path, name) for path in PACKAGES for name in schemas("object", path)]
EVERY_ENUM = [Compiled(path, name) for path in PACKAGES for name in schemas("string", path)]

# The models of the prov-api.
MODELS: dict[str, type[Model]] = {
    model.name: model.cls for model in EVERY_MODEL if model.path == DOCUMENT_PATH
}


def classes(path: Path, base: type[Model | OpenStrEnum]) -> set[type]:
    """Return the subclasses of a base class that a document's package exports."""
    exported = (getattr(PACKAGES[path], name) for name in PACKAGES[path].__all__)
    return {cls for cls in exported if isinstance(cls, type) and issubclass(cls, base)}
