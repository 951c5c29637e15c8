from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from codegen import generator, targets
from codegen.__main__ import main
from codegen.synchronous import NAMES, WORDS
from codegen.targets import EXPORTS, SYNC_PACKAGE, TARGETS, Target
from codegen.trees import files_of

PACKAGES = sorted(Path(target.package).name for target in TARGETS)


ASYNCHRONOUS = {
    "__init__.py": '"""Waits."""\n',
    "client.py": '''"""A client."""


async def fetch(get):
    """Await the result."""
    return await get()
''',
    "parts/__init__.py": '"""A sub-package."""\n',
    # Uses every rule of the synchronous package.
    "parts/rules.py": "".join(f"# {words}\n" for words in WORDS) + f"USED = [{', '.join(NAMES)}]\n",
}


@pytest.fixture(scope="session")
def small_repository(documents: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    for target in TARGETS:
        document = root / target.document
        document.parent.mkdir(exist_ok=True)
        shutil.copy(documents / "uploads.yaml", document)
    source = root / SYNC_PACKAGE.source
    (source / "parts").mkdir(parents=True)
    for name, text in ASYNCHRONOUS.items():
        (source / name).write_text(text, encoding="utf-8")
    assert main([], root=root) == 0
    return root


@pytest.fixture(autouse=True)
def generate_once(monkeypatch: pytest.MonkeyPatch, cache: dict[object, Path]) -> None:
    """Generate each package once per session, however often the command runs."""

    def generate_or_copy(document: Path, package: Path, **options: str | None) -> None:
        key = (document.read_bytes(), package.name, *options.items())
        if key not in cache:
            folder = Path(tempfile.mkdtemp(dir=cache["folder"])) / package.name
            generator.generate(document, folder, **options)  # type: ignore[arg-type]
            cache[key] = folder
        shutil.copytree(cache[key], package)

    monkeypatch.setattr(targets, "generate", generate_or_copy)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> dict[object, Path]:
    return {"folder": tmp_path_factory.mktemp("generated")}


@pytest.fixture
def root(small_repository: Path, tmp_path: Path) -> Path:
    """The root of a repository with small sources and the files generated from them."""
    root = tmp_path / "root"
    shutil.copytree(small_repository, root)
    return root


@pytest.fixture
def package(root: Path, target: Target) -> Path:
    return root / target.package


def test_check_passes_when_nothing_changed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files_of(root)
    assert main(["--check"], root=root) == 0
    assert capsys.readouterr() == ("", "")
    assert files_of(root) == before


def test_a_package_uses_the_runtime_of_its_target(package: Path, target: Target) -> None:
    own = target.runtime is None
    assert (package / "types.py").exists() is own
    init = (package / "__init__.py").read_text(encoding="utf-8")
    assert f"from {target.runtime or ''}.operation import" in init


def test_check_ignores_caches(root: Path, package: Path) -> None:
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
    ("change_package", "line"),
    [
        (remove, "missing: operations.py"),
        (add, "extra: api/stray.py"),
        (change, "changed: models/csv_upload.py"),
        (empty, "changed: __init__.py"),
        (delete, "missing: py.typed"),
    ],
)
def test_check_names_the_file_that_differs_and_changes_nothing(
    root: Path,
    target: Target,
    capsys: pytest.CaptureFixture[str],
    change_package: Callable[[Path], None],
    line: str,
) -> None:
    package = root / target.package
    change_package(package)
    before = files_of(package)
    assert main(["--check"], root=root) == 1
    assert f"{target.package}: {line}\n" in capsys.readouterr().err
    assert files_of(package) == before


def test_rebuilding_restores_the_package(root: Path, package: Path) -> None:
    before = files_of(package)
    for change_package in (remove, add, change, empty):
        change_package(package)
    (package / "gone").mkdir()
    assert main([], root=root) == 0
    assert files_of(package) == before
    assert not (package / "gone").exists()
    assert sorted(path.name for path in package.parent.iterdir()) == PACKAGES


@pytest.mark.parametrize("document", ["refused/broken_reference", "refused/not_yaml"])
def test_an_invalid_document_leaves_the_package_unchanged(
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
    assert sorted(path.name for path in package.parent.iterdir()) == PACKAGES


def test_an_unknown_argument_is_an_error(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--force"], root=root)
    assert "--force" in capsys.readouterr().err


@pytest.fixture
def sync_package(root: Path) -> Path:
    return root / SYNC_PACKAGE.package


def test_the_synchronous_package_is_generated_from_the_asynchronous_one(sync_package: Path) -> None:
    assert sorted(files_of(sync_package)) == sorted(ASYNCHRONOUS)
    text = (sync_package / "client.py").read_text(encoding="utf-8")
    assert text.startswith(f"# Generated by `nox -s codegen` from {SYNC_PACKAGE.source}. ")
    assert "\ndef fetch(get):" in text
    assert "return get()" in text


def test_check_names_the_files_that_differ_in_the_synchronous_package(
    root: Path, sync_package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sync_package / "__init__.py").unlink()
    (sync_package / "stray.py").touch()
    (sync_package / "client.py").write_text("", "utf-8")
    before = files_of(sync_package)
    assert main(["--check"], root=root) == 1
    printed = capsys.readouterr().err
    for line in ("missing: __init__.py", "extra: stray.py", "changed: client.py"):
        assert f"{SYNC_PACKAGE.package}: {line}\n" in printed
    assert files_of(sync_package) == before
    assert main([], root=root) == 0
    assert main(["--check"], root=root) == 0


def test_check_fails_when_the_asynchronous_package_has_changed(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (root / SYNC_PACKAGE.source / "client.py").open("a", encoding="utf-8") as file:
        file.write("\n\nasync def more(get):\n    return await get()\n")
    assert main(["--check"], root=root) == 1
    assert capsys.readouterr().err.count("\nsrc/") == 1
    assert main([], root=root) == 0
    assert "def more" in (root / SYNC_PACKAGE.package / "client.py").read_text(encoding="utf-8")


def test_an_invalid_source_leaves_the_synchronous_package_unchanged(
    root: Path, sync_package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(sync_package)
    (root / SYNC_PACKAGE.source / "client.py").write_text("import asyncio\n", encoding="utf-8")
    for arguments in ([], ["--check"]):
        assert main(arguments, root=root) == 1
        assert capsys.readouterr().err.startswith("codegen failed: client.py uses asyncio")
    assert files_of(sync_package) == before
    assert sorted(path.name for path in sync_package.parent.iterdir()) == [
        "_async",
        "_exports.py",
        "_sync",
        "models.py",
    ]


def test_a_folder_without_modules_is_an_error(
    root: Path, sync_package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(sync_package)
    shutil.rmtree(root / SYNC_PACKAGE.source)
    assert main([], root=root) == 1
    assert "contains no modules" in capsys.readouterr().err
    assert files_of(sync_package) == before


def test_check_names_lists_of_models_that_differ(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = root / EXPORTS.package
    handwritten = folder / "handwritten.py"
    handwritten.write_text("", encoding="utf-8")
    before = files_of(folder)
    (folder / "models.py").write_text("", encoding="utf-8")
    (folder / "_exports.py").unlink()
    assert main(["--check"], root=root) == 1
    assert capsys.readouterr().err.splitlines()[1:-1] == [
        f"{EXPORTS.package}: missing: _exports.py",
        f"{EXPORTS.package}: changed: models.py",
    ]
    assert main([], root=root) == 0
    assert files_of(folder) == before


def test_check_names_unused_rules(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = root / SYNC_PACKAGE.source / "parts" / "rules.py"
    module.write_text(module.read_text().replace("# async with\n", "").replace("anext, ", ""))
    assert main([], root=root) == 0
    assert main(["--check"], root=root) == 1
    assert capsys.readouterr().err.splitlines()[1:-1] == [
        f"codegen/synchronous.py: nothing in {SYNC_PACKAGE.source} needs the rule {rule!r}"
        for rule in ("anext", "async with")
    ]
