from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from codegen.__main__ import main
from codegen.targets import EXPORTS, TARGETS, TWIN, Target
from codegen.trees import files_of

NAMES = sorted(Path(target.package).name for target in TARGETS)


ASYNCHRONOUS = {
    "__init__.py": '"""Waits."""\n',
    "client.py": '''"""A client."""


async def fetch(get):
    """Await what there is."""
    return await get()
''',
}


@pytest.fixture
def root(documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a repository that holds small sources and the trees made of them."""
    # The small source does not use the rules for the large one.
    monkeypatch.setattr("codegen.targets.unused_rules", lambda _: [])
    for target in TARGETS:
        document = tmp_path / target.document
        document.parent.mkdir(exist_ok=True)
        shutil.copy(documents / "uploads.yaml", document)
    source = tmp_path / TWIN.source
    source.mkdir(parents=True)
    for name, text in ASYNCHRONOUS.items():
        (source / name).write_text(text, encoding="utf-8")
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


@pytest.fixture
def twin(root: Path) -> Path:
    return root / TWIN.package


def test_the_synchronous_package_is_made_of_the_asynchronous_one(twin: Path) -> None:
    assert sorted(files_of(twin)) == ["__init__.py", "client.py"]
    text = (twin / "client.py").read_text(encoding="utf-8")
    assert text.startswith(f"# Made of {TWIN.source} by `nox -s codegen`: ")
    assert "\ndef fetch(get):" in text
    assert "return get()" in text


def test_a_check_of_the_synchronous_package_accepts_an_equal_one(root: Path, twin: Path) -> None:
    before = files_of(twin)
    assert main(["--check"], root=root) == 0
    assert files_of(twin) == before


@pytest.mark.parametrize(
    ("depart", "line"),
    [
        (lambda twin: (twin / "client.py").unlink(), "missing: client.py"),
        (lambda twin: (twin / "stray.py").touch(), "extra: stray.py"),
        (lambda twin: (twin / "client.py").write_text("", "utf-8"), "changed: client.py"),
        (shutil.rmtree, "missing: __init__.py"),
    ],
    ids=["missing", "extra", "changed", "gone"],
)
def test_a_check_names_what_departs_in_the_synchronous_package(
    root: Path,
    twin: Path,
    capsys: pytest.CaptureFixture[str],
    depart: Callable[[Path], object],
    line: str,
) -> None:
    depart(twin)
    before = files_of(twin)
    assert main(["--check"], root=root) == 1
    assert f"{TWIN.package}: {line}\n" in capsys.readouterr().err
    assert files_of(twin) == before
    assert main([], root=root) == 0
    assert main(["--check"], root=root) == 0


def test_a_check_sees_that_the_asynchronous_package_has_changed(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (root / TWIN.source / "client.py").open("a", encoding="utf-8") as file:
        file.write("\n\nasync def more(get):\n    return await get()\n")
    assert main(["--check"], root=root) == 1
    assert capsys.readouterr().err.count("\nsrc/") == 1
    assert main([], root=root) == 0
    assert "def more" in (root / TWIN.package / "client.py").read_text(encoding="utf-8")


def test_a_source_that_is_refused_leaves_the_synchronous_package_as_it_was(
    root: Path, twin: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(twin)
    (root / TWIN.source / "client.py").write_text("import asyncio\n", encoding="utf-8")
    for arguments in ([], ["--check"]):
        assert main(arguments, root=root) == 1
        assert capsys.readouterr().err.startswith("codegen failed: client.py uses asyncio")
    assert files_of(twin) == before
    assert sorted(path.name for path in twin.parent.iterdir()) == [
        "_async",
        "_exports.py",
        "_sync",
        "models.py",
    ]


def test_a_folder_without_modules_is_refused(
    root: Path, twin: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(twin)
    shutil.rmtree(root / TWIN.source)
    assert main([], root=root) == 1
    assert "holds no modules" in capsys.readouterr().err
    assert files_of(twin) == before


def test_a_check_names_a_list_of_models_that_departs(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = root / EXPORTS.package
    handwritten = folder / "handwritten.py"
    handwritten.write_text("", encoding="utf-8")
    before = files_of(folder)
    (folder / "models.py").write_text("", encoding="utf-8")
    (folder / "_exports.py").unlink()
    assert main(["--check"], root=root) == 1
    departures = capsys.readouterr().err.splitlines()[1:-1]
    assert departures == [
        f"{EXPORTS.package}: missing: _exports.py",
        f"{EXPORTS.package}: changed: models.py",
    ]
    assert main([], root=root) == 0
    assert files_of(folder) == before


def test_an_unused_rule_of_unasync_is_a_failure(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("codegen.targets.unused_rules", lambda _: ["aclose", "async with"])
    for arguments in ([], ["--check"]):
        assert main(arguments, root=root) == 1
        error = capsys.readouterr().err
        assert "unasync rules that nothing uses: 'aclose', 'async with': delete them" in error
