"""The documentation lists every nox session."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def sessions() -> dict[str, str]:
    """Return the first line of each session's docstring, by the session's name."""
    functions = [
        node
        for node in ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(item).startswith("nox.session") for item in node.decorator_list)
    ]
    return {node.name: (ast.get_docstring(node) or "").partition("\n")[0] for node in functions}


def test_the_table_of_sessions_matches_the_noxfile() -> None:
    page = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", page, re.MULTILINE)) == sessions()
