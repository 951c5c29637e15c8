from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from codegen.__main__ import main
from codegen.targets import TARGETS, Target
from codegen.trees import files_of

NAMES = sorted(Path(target.package).name for target in TARGETS)


@pytest.fixture
def root(documents: Path, tmp_path: Path) -> Path:
    """The root of a repository that holds small documents and the trees compiled from them."""
    for target in TARGETS:
        document = tmp_path / target.document
        document.parent.mkdir(exist_ok=True)
        shutil.copy(documents / "uploads.yaml", document)
    assert main([], root=tmp_path) == 0
    return tmp_path


@pytest.fixture
def package(root: Path, target: Target) -> Path:
    return root / target.package


def test_the_check_accepts_an_equal_tree(
    root: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(package)
    assert main(["--check"], root=root) == 0
    assert capsys.readouterr() == ("", "")
    assert files_of(package) == before


def test_a_target_shares_the_run_time_that_it_names(package: Path, target: Target) -> None:
    own = target.runtime is None
    assert (package / "types.py").exists() is own
    init = (package / "__init__.py").read_text(encoding="utf-8")
    assert f"from {target.runtime or ''}.operation import" in init


def test_the_check_overlooks_what_interpreters_and_checkers_leave(
    root: Path, package: Path
) -> None:
    cache = package / "models" / "__pycache__"
    cache.mkdir()
    (cache / "csv_upload.cpython-311.pyc").write_bytes(b"")
    assert main(["--check"], root=root) == 0


def remove(package: Path) -> None:
    (package / "operations.py").unlink()


def add(package: Path) -> None:
    (package / "api" / "stray.py").touch()


def change(package: Path) -> None:
    with (package / "models" / "csv_upload.py").open("a", encoding="utf-8") as file:
        file.write("\n")


def empty(package: Path) -> None:
    (package / "__init__.py").write_bytes(b"")


def delete(package: Path) -> None:
    shutil.rmtree(package)


@pytest.mark.parametrize(
    ("depart", "line"),
    [
        (remove, "missing: operations.py"),
        (add, "extra: api/stray.py"),
        (change, "changed: models/csv_upload.py"),
        (empty, "changed: __init__.py"),
        (delete, "missing: py.typed"),
    ],
)
def test_the_check_names_the_file_that_departs_and_changes_nothing(
    root: Path,
    target: Target,
    capsys: pytest.CaptureFixture[str],
    depart: object,
    line: str,
) -> None:
    package = root / target.package
    assert callable(depart)
    depart(package)
    before = files_of(package)
    assert main(["--check"], root=root) == 1
    assert f"{target.package}: {line}\n" in capsys.readouterr().err
    assert files_of(package) == before


def test_rebuilding_deletes_and_restores(root: Path, package: Path) -> None:
    before = files_of(package)
    for depart in (remove, add, change, empty):
        depart(package)
    (package / "gone").mkdir()
    assert main([], root=root) == 0
    assert files_of(package) == before
    assert not (package / "gone").exists()
    assert sorted(path.name for path in package.parent.iterdir()) == NAMES


@pytest.mark.parametrize("document", ["refused/broken_reference", "refused/not_yaml"])
def test_a_document_that_is_refused_leaves_the_tree_as_it_was(
    root: Path,
    target: Target,
    documents: Path,
    capsys: pytest.CaptureFixture[str],
    document: str,
) -> None:
    package = root / target.package
    before = files_of(package)
    shutil.copy(documents / f"{document}.yaml", root / target.document)
    assert main([], root=root) == 1
    assert capsys.readouterr().err.startswith("codegen failed: ")
    assert files_of(package) == before
    assert sorted(path.name for path in package.parent.iterdir()) == NAMES


def test_an_unknown_argument_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--force"], root=root)
    assert "--force" in capsys.readouterr().err
