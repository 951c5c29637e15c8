"""Which class stands for which schema."""

from __future__ import annotations

from api_document import Node, load
from hypothesis import HealthCheck, settings

from prov_api_client import models
from prov_api_client.types import Model

# The same values each time, so that a red run means a change of the code.
SETTINGS = settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    # How long it takes to draw values says nothing about the models.
    suppress_health_check=[HealthCheck.too_slow],
)

# The form of an upload: no JSON.
FORMS = {"Body_convert_model_runs_csv"}


def class_name(schema_name: str) -> str:
    """Return the name of the class of a schema, in Python's manner."""
    if "_" not in schema_name:
        return schema_name
    return "".join(part[:1].upper() + part[1:] for part in schema_name.split("_"))


def schemas(kind: str) -> dict[str, Node]:
    """List the schemas of objects, or those of enums (their type is string)."""
    return {
        name: schema
        for name, schema in load()["components"]["schemas"].items()
        if schema["type"] == kind and name not in FORMS
    }


MODELS: dict[str, type[Model]] = {
    name: getattr(models, class_name(name)) for name in schemas("object")
}
