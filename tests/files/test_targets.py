"""Paths of saved files, and those that are rejected before anything is sent."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from clients import ASYNC_ONLY, failure, run
from files.saving import EVERY_KIND, KINDS, Kind, files_in, wait_until_written
from scripted_server import Server

from prov_facade import FileError, InvalidRequestError, ProvClient
from prov_facade._files.targets import file_name


@EVERY_KIND
def test_a_file_is_saved_byte_for_byte(
    kind: Kind, server: Server, client: ProvClient, folder: Path
) -> None:
    server.response = kind.reply
    for path in (str(folder / "a"), folder / "b"):
        assert run(kind.save(client, path)) == Path(path)
    assert files_in(folder) == {"a": kind.content, "b": kind.content}


@EVERY_KIND
def test_a_file_in_a_directory_is_named_after_the_id(
    kind: Kind, server: Server, client: ProvClient, folder: Path
) -> None:
    server.response = kind.reply
    assert run(kind.save(client, folder)) == folder / kind.name
    assert files_in(folder) == {kind.name: kind.content}


@EVERY_KIND
def test_an_existing_file_is_not_overwritten_by_default(
    kind: Kind, server: Server, client: ProvClient, folder: Path
) -> None:
    server.response = kind.reply
    (folder / kind.name).write_bytes(b"mine")
    for path in (folder, folder / kind.name):
        error = failure(InvalidRequestError, kind.save(client, path))
        assert "overwrite=True" in str(error)
        assert (error.operation, error.path) == (kind.operation, "$.path")
    assert not server.received
    assert files_in(folder) == {kind.name: b"mine"}
    run(kind.save(client, folder, overwrite=True))
    assert files_in(folder) == {kind.name: kind.content}


@pytest.mark.parametrize(
    "path",
    ["", "no/such", "file/x", "no/", 7, None, b"x", "a\0b", "x" * 300, "/dev/null"],
    ids=repr,
)
def test_nothing_is_sent_if_the_file_cannot_be_saved(
    path: Any, server: Server, client: ProvClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    Path("file").touch()
    for kind in KINDS:
        error = failure(InvalidRequestError, kind.save(client, path, overwrite=True))
        assert error.path == "$.path"
    assert not server.opened
    assert files_in(folder) == {"file": b""}


def test_arguments_are_checked_before_the_path(
    server: Server, client: ProvClient, folder: Path
) -> None:
    calls = [client.download_report({"id": "x"}, folder)]
    calls += [client.save_csv_template(7, folder)]  # type: ignore[arg-type]
    calls += [client.save_csv_from_batch(None, folder)]  # type: ignore[arg-type]
    for call in calls:
        assert failure(InvalidRequestError, call).path != "$.path"
    assert not server.opened
    assert files_in(folder) == {}


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ("10378.1/123", "report-10378.1_123.docx"),
        ("a.b-C", "report-a.b-C.docx"),
        ("a_b", "report-a_b-648fa9b3.docx"),
        ("../../etc/passwd", "report-.._.._etc_passwd.docx"),
        ("CON", "report-CON.docx"),
    ],
)
def test_ids_become_valid_file_names(item: str, name: str) -> None:
    assert file_name("report", item, ".docx") == name


def test_similar_ids_have_different_file_names() -> None:
    similar = ["a/b", "a_b", "a\\b", "a b", "a//b", "/a/b", "a/b/", "", "é", "\ud800"]
    similar += ["a" * 80, "a" * 81, "a" * 5000, "a" * 80 + "/"]
    names = [file_name("batch", item, ".csv") for item in similar]
    assert len(set(names)) == len(similar)
    assert all(len(name) < 120 for name in names)
    assert all(not set(name) & set('/\\:*?"<>| \0') for name in names)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_a_file_has_default_permissions_or_keeps_its_own(
    server: Server, client: ProvClient, folder: Path
) -> None:
    kind = KINDS[1]
    server.response = kind.reply
    saved = run(kind.save(client, folder))
    (folder / "usual").touch()
    assert saved.stat().st_mode == (folder / "usual").stat().st_mode
    saved.chmod(0o640)
    run(kind.save(client, folder, overwrite=True))
    assert stat.S_IMODE(saved.stat().st_mode) == 0o640


@ASYNC_ONLY
def test_a_partial_file_is_private_and_has_another_name(
    server: Server, client: ProvClient, folder: Path
) -> None:
    kind = KINDS[1]
    server.response = kind.half  # and the connection stays open

    async def watch() -> None:
        call = asyncio.ensure_future(kind.save(client, folder))
        await wait_until_written(folder)
        (draft,) = map(folder.joinpath, files_in(folder))
        assert draft.name.startswith(".")
        assert draft.name != kind.name
        if os.name == "posix":
            assert stat.S_IMODE(draft.stat().st_mode) == 0o600
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert files_in(folder) == {}

    run(watch())


@EVERY_KIND
def test_the_first_of_concurrent_downloads_to_one_path_wins(
    kind: Kind, server: Server, client: ProvClient, folder: Path
) -> None:
    server.response = kind.reply

    async def together(*, overwrite: bool) -> list[Any]:
        calls = [kind.save(client, folder, overwrite=overwrite) for _ in range(5)]
        return list(await asyncio.gather(*calls, return_exceptions=True))

    outcomes = run(together(overwrite=False))
    assert outcomes.count(folder / kind.name) == 1
    others = [other for other in outcomes if isinstance(other, FileError)]
    assert len(others) == 4
    assert all(other.filename == str(folder / kind.name) for other in others)
    assert all(other.strerror == "File exists" for other in others)
    assert files_in(folder) == {kind.name: kind.content}
    assert run(together(overwrite=True)) == [folder / kind.name] * 5
    assert files_in(folder) == {kind.name: kind.content}


@pytest.mark.parametrize("taken", [False, True])
def test_an_existing_file_is_kept_on_a_file_system_without_hard_links(
    taken: bool, server: Server, client: ProvClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    kind = KINDS[0]

    def respond(_: object) -> bytes:
        if taken:
            (folder / kind.name).write_bytes(b"mine")
        return kind.reply

    server.response = respond
    if taken:
        assert failure(FileError, kind.save(client, folder)).strerror == "File exists"
        assert files_in(folder) == {kind.name: b"mine"}
    else:
        run(kind.save(client, folder))
        assert files_in(folder) == {kind.name: kind.content}


def test_a_broken_symlink_counts_as_an_existing_file(
    server: Server, client: ProvClient, folder: Path
) -> None:
    kind = KINDS[1]
    server.response = kind.reply
    link = folder / "link"
    link.symlink_to(folder / "elsewhere")
    failure(InvalidRequestError, kind.save(client, link))
    run(kind.save(client, link, overwrite=True))
    assert files_in(folder) == {"link": kind.content}
    assert not link.is_symlink()
