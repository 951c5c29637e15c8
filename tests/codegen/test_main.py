from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from codegen.__main__ import main
from codegen.targets import TARGETS
from codegen.trees import files_of

(TARGET,) = TARGETS


@pytest.fixture
def root(documents: Path, tmp_path: Path) -> Path:
    """The root of a repository that holds a small document and the tree compiled from it."""
    document = tmp_path / TARGET.document
    document.parent.mkdir()
    shutil.copy(documents / "uploads.yaml", document)
    assert main([], root=tmp_path) == 0
    return tmp_path


@pytest.fixture
def package(root: Path) -> Path:
    return root / TARGET.package


def test_the_check_accepts_an_equal_tree(
    root: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(package)
    assert main(["--check"], root=root) == 0
    assert capsys.readouterr() == ("", "")
    assert files_of(package) == before


def test_the_check_overlooks_what_interpreters_and_checkers_leave(
    root: Path, package: Path
) -> None:
    cache = package / "models" / "__pycache__"
    cache.mkdir()
    (cache / "csv_upload.cpython-311.pyc").write_bytes(b"")
    assert main(["--check"], root=root) == 0


def remove(package: Path) -> None:
    (package / "client.py").unlink()


def add(package: Path) -> None:
    (package / "api" / "stray.py").touch()


def change(package: Path) -> None:
    with (package / "models" / "csv_upload.py").open("a", encoding="utf-8") as file:
        file.write("\n")


def empty(package: Path) -> None:
    (package / "errors.py").write_bytes(b"")


def delete(package: Path) -> None:
    shutil.rmtree(package)


@pytest.mark.parametrize(
    ("depart", "line"),
    [
        (remove, "missing: client.py"),
        (add, "extra: api/stray.py"),
        (change, "changed: models/csv_upload.py"),
        (empty, "changed: errors.py"),
        (delete, "missing: py.typed"),
    ],
)
def test_the_check_names_the_file_that_departs_and_changes_nothing(
    root: Path, package: Path, capsys: pytest.CaptureFixture[str], depart: object, line: str
) -> None:
    assert callable(depart)
    depart(package)
    before = files_of(package)
    assert main(["--check"], root=root) == 1
    assert f"{TARGET.package}: {line}\n" in capsys.readouterr().err
    assert files_of(package) == before


def test_rebuilding_deletes_and_restores(root: Path, package: Path) -> None:
    before = files_of(package)
    for depart in (remove, add, change, empty):
        depart(package)
    (package / "gone").mkdir()
    assert main([], root=root) == 0
    assert files_of(package) == before
    assert not (package / "gone").exists()
    assert [path.name for path in package.parent.iterdir()] == [package.name]


@pytest.mark.parametrize("document", ["refused/broken_reference", "refused/not_yaml"])
def test_a_document_that_is_refused_leaves_the_tree_as_it_was(
    root: Path,
    package: Path,
    documents: Path,
    capsys: pytest.CaptureFixture[str],
    document: str,
) -> None:
    before = files_of(package)
    shutil.copy(documents / f"{document}.yaml", root / TARGET.document)
    assert main([], root=root) == 1
    assert capsys.readouterr().err.startswith("codegen failed: ")
    assert files_of(package) == before
    assert [path.name for path in package.parent.iterdir()] == [package.name]


def test_an_unknown_argument_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--force"], root=root)
    assert "--force" in capsys.readouterr().err
