"""Writes the facade's modules that list the generated models."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from codegen.errors import CodegenError
from codegen.formatting import FIRST_PARTY, finish

_MODELS = '''"""Every model of the requests and responses.

The models are attrs classes. Optional fields are ``None`` when they are not set. Each model has
``from_dict`` and ``to_dict``. Enumerations accept values that this version does not know.
"""

from __future__ import annotations

{imports}

__all__ = [{names}]
'''

# Type checkers and editors read the imports. `prov_facade` reads the table, to load a module when
# one of its names is first used.
_EXPORTS = '''"""The names that ``prov_facade`` exports, and their modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
{imports}

MODULES = {{{modules}}}

__all__ = [{names}]
'''


def write_exports(
    sources: Sequence[Path], package: Path, *, public: Mapping[str, Sequence[str]], header: str
) -> None:
    """Write ``models.py`` and ``_exports.py``.

    Args:
        sources: The generated packages. A model that several of them define comes from the first.
        package: The folder to write, which must not exist.
        public: The handwritten names that the facade exports, by module.
        header: The line that each file begins with.

    Raises:
        CodegenError: If a package is missing, or two of them define a model differently.
    """
    found: dict[str, str] = {}
    imports = []
    for source in sources:
        models = _models_of(source)
        for name in models.keys() & found.keys():
            if models[name] != found[name]:
                raise CodegenError(f"{source.name} and another package define {name} differently")
        if new := sorted(models.keys() - found.keys()):
            imports.append(f"from {source.name}.models import ({', '.join(new)})")
        found.update(models)
    top_level = [name for name in sorted(found) if _is_exported(name)]
    package.mkdir(parents=True)
    modules = {
        "models.py": _MODELS.format(imports="\n".join(imports), names=_quoted(sorted(found))),
        "_exports.py": _exports({**public, "prov_facade.models": top_level}),
    }
    for name, text in modules.items():
        (package / name).write_text(text, encoding="utf-8")
    finish(package, header, first_party=FIRST_PARTY)


def _exports(public: Mapping[str, Sequence[str]]) -> str:
    modules = {name: module for module, names in public.items() for name in names}
    imports = [f"    from {source} import ({', '.join(names)})" for source, names in public.items()]
    return _EXPORTS.format(
        imports="\n".join(imports),
        modules=", ".join(f'"{name}": "{modules[name]}"' for name in sorted(modules)),
        names=_quoted(sorted(modules)),
    )


def _is_exported(name: str) -> bool:
    """Whether ``prov_facade`` exports a model.

    A model whose name reads like an exception stays in ``prov_facade.models``: otherwise
    ``from prov_facade import ValidationError`` gives a model, and ``except ValidationError`` fails.
    So does an upload form (``Body...``), since the client's methods build it themselves.
    """
    return "Error" not in name and not name.startswith("Body")


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _models_of(package: Path) -> dict[str, str]:
    """Return the models of a generated package by name, each with a dump of its definition."""
    try:
        init = ast.parse((package / "models" / "__init__.py").read_bytes())
        return {
            node.names[0].name: _definition(package / "models" / f"{node.module}.py")
            for node in init.body
            if isinstance(node, ast.ImportFrom) and node.level == 1
        }
    except (OSError, SyntaxError) as error:
        raise CodegenError(f"the models of {package.name} cannot be parsed: {error}") from error


def _definition(module: Path) -> str:
    """Return the definition of a model: its module without comments, docstrings and imports."""
    classes = [
        node for node in ast.parse(module.read_bytes()).body if isinstance(node, ast.ClassDef)
    ]
    for node in classes:
        node.body = node.body[1:] if ast.get_docstring(node) else node.body
    return "\n".join(map(ast.unparse, classes))
