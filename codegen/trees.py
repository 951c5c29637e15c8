"""Compares and replaces trees of generated files."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

# Ignored: interpreters and type checkers leave these next to the code.
_CACHES = {"__pycache__", ".mypy_cache", ".ruff_cache"}


def files_of(tree: Path) -> dict[str, bytes]:
    """Read every file of a tree, by its path relative to the tree."""
    return {
        path.relative_to(tree).as_posix(): path.read_bytes()
        for path in sorted(tree.rglob("*"))
        if path.is_file() and not _CACHES.intersection(path.relative_to(tree).parts)
    }


def differences(expected: Path, actual: Path, *, whole: bool = True) -> list[str]:
    """List the files in which two trees differ.

    Args:
        expected: The tree as the generator writes it.
        actual: The checked-in tree.
        whole: Whether the generator writes the whole tree. Otherwise extra files are ignored.

    Returns:
        One line for each missing, extra or changed file; empty when the trees are equal.
    """
    want, have = files_of(expected), files_of(actual)
    if not whole:
        have = {name: content for name, content in have.items() if name in want}
    return [
        f"missing: {name}"
        if name not in have
        else f"extra: {name}"
        if name not in want
        else f"changed: {name}"
        for name in sorted(want.keys() | have.keys())
        if want.get(name) != have.get(name)
    ]


def replace(tree: Path, new: Path) -> None:
    """Replace a tree with a new one.

    The new tree is first copied next to the old one, so that an interruption never leaves a
    partial tree under the final name.
    """
    tree.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=tree.parent, prefix=f".{tree.name}-") as staging:
        staged = Path(staging) / "new"
        shutil.copytree(new, staged)
        if tree.exists():
            tree.replace(Path(staging) / "old")
        staged.replace(tree)


def merge(tree: Path, new: Path) -> None:
    """Put the files of a new tree into an existing one, each of them atomically."""
    with tempfile.TemporaryDirectory(dir=tree.parent, prefix=f".{tree.name}-") as staging:
        for name, content in files_of(new).items():
            staged = Path(staging) / Path(name).name
            staged.write_bytes(content)
            staged.replace(tree / name)
