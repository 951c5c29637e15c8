"""Drives openapi-python-client with this project's templates.

The generator parses the document and renders one module per schema and operation. What its own
templates get wrong is mended in ``templates/``; what a template cannot know (limits, roles,
further media types) is read from the document by :mod:`codegen.views`.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openapi_python_client import Project
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from codegen.errors import CodegenError
from codegen.formatting import finish
from codegen.maps import complete, is_map
from codegen.views import Views

TEMPLATES = Path(__file__).parent / "templates"

# The generator drops a response whose media type it does not know. These are read as bytes.
_BINARY_MEDIA_TYPES = (
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/zip",
    "application/pdf",
)

# Modules that the generator has no notion of: template name → file name.
_EXTRA_MODULES = {"operation.py.jinja": "operation.py", "operations.py.jinja": "operations.py"}

# What does not depend on the document, and so can be another package's.
_RUNTIME = ("client.py", "errors.py", "operation.py", "types.py")


def generate(document: Path, package: Path, *, source: str, runtime: str | None = None) -> None:
    """Compile a document into a package.

    Args:
        document: The OpenAPI 3.1 document.
        package: The folder to write, which must not exist. Its name is the import name.
        source: How the header of each generated file names the document.
        runtime: The import name of another generated package, whose clients, errors, operations and
            types this one is to use. Without it, the package has its own.

    Raises:
        CodegenError: If the generator warns about anything, or if the document asks for something
            that the templates cannot express.
    """
    config = _config(document, package)
    try:
        content = dict(YAML(typ="safe").load(document.read_bytes()))
        parsed = GeneratorData.from_dict(content, config=config)
    except (YAMLError, TypeError, ValueError) as error:
        raise CodegenError(f"{source} cannot be read: {error}") from error
    if isinstance(parsed, GeneratorError):
        raise CodegenError(_describe([parsed]))
    complete(parsed)
    # Maps are written as `dict[str, T]` where they are used and need no class of their own.
    parsed.models = [model for model in parsed.models if not is_map(model)]
    project = Project(openapi=parsed, config=config, custom_template_path=TEMPLATES)
    project.env.globals["views"] = Views(content, parsed, config)
    project.env.globals["runtime"] = runtime
    with contextlib.redirect_stdout(io.StringIO()):  # it announces itself
        problems = [*project.build()]
    if problems:
        raise CodegenError(_describe(problems))
    for template, name in _EXTRA_MODULES.items():
        (package / name).write_text(project.env.get_template(template).render(), encoding="utf-8")
    (package / "py.typed").touch()
    if runtime is not None:
        for name in _RUNTIME:
            (package / name).unlink()
    finish(
        package,
        # Otherwise ruff looks for the run time in the folder that it happens to be started in.
        first_party=() if runtime is None else (runtime,),
        header=f"# Compiled from {source} by `nox -s codegen`: "
        "change the document or a template, not this file.\n",
    )


def _config(document: Path, package: Path) -> Config:
    return Config.from_sources(
        ConfigFile(
            package_name_override=package.name,
            project_name_override=package.name,
            content_type_overrides=dict.fromkeys(_BINARY_MEDIA_TYPES, "application/octet-stream"),
            post_hooks=[],
        ),
        MetaType.NONE,
        document,
        "utf-8",
        overwrite=False,
        output_path=package,
    )


def _describe(problems: list[Any]) -> str:
    return "\n".join(" ".join(filter(None, _words(problem))) for problem in problems)


def _words(problem: Any) -> Iterator[str | None]:
    yield problem.level.value
    yield problem.header
    yield problem.detail
    if data := getattr(problem, "data", None):  # the part of the document, which names it
        yield data.model_dump_json(by_alias=True, exclude_unset=True)
