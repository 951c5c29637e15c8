"""Options of a registration are checked before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from registration.registrar import Registrar, record

from prov_facade import ConfigError, InvalidRequestError
from prov_facade.sandbox import Sandbox


async def on_progress_async(_: Any) -> None: ...


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("recovery_timeout", float("nan")),
        ("recovery_timeout", "1"),
        ("recovery_timeout", -1),
        ("polling", {"deadline": 1}),
        ("on_progress", "x"),
        ("on_progress", on_progress_async),
        ("resolutions", [1]),
        ("chunk_size", 0),
        ("max_concurrent_batches", True),
    ],
)
def test_an_invalid_option_is_named(
    name: str, value: Any, registrar: Registrar, sandbox: Sandbox
) -> None:
    error = registrar.many([record(0)], **{name: value}).error
    assert isinstance(error, InvalidRequestError)
    assert error.path == f"$.{name}"
    assert name in str(error)
    assert sandbox.requests == []


@pytest.mark.parametrize("given", [record(0), "records", b"records", None, 5])
def test_a_forgotten_list_is_one_clear_error(
    given: Any, registrar: Registrar, sandbox: Sandbox
) -> None:
    run = registrar.many(given)
    assert isinstance(run.error, InvalidRequestError)
    assert "such as a list" in str(run.error)
    assert run.results == []
    assert sandbox.requests == []


@pytest.mark.parametrize("manifest", [123, "with a \0"])
def test_a_manifest_must_be_a_path(manifest: Any, registrar: Registrar) -> None:
    error = registrar.many([record(0)], manifest).error
    assert isinstance(error, ConfigError)
    assert repr(manifest) in str(error)


def test_a_path_object_is_a_manifest(registrar: Registrar, manifest: Path) -> None:
    registrar.many([record(0)], manifest).all_registered(1)
