"""An empty id, which the server answers with a 500, is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from clients import failure
from scripted_server import Server

from prov_facade import InvalidRequestError, ProvClient

Call = Callable[[ProvClient, Path], Coroutine[Any, Any, Any]]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda client, _: client.jobs.fetch(""), "session_id"),
        (lambda client, _: client.regenerate_csv_from_model_run_batch(""), "batch_id"),
        (lambda client, folder: client.save_csv_from_batch("", folder), "batch_id"),
    ],
)
def test_empty_ids_are_refused(
    call: Call, name: str, server: Server, client: ProvClient, tmp_path: Path
) -> None:
    error = failure(InvalidRequestError, call(client, tmp_path))
    assert name in str(error)
    assert error.path == f"$.{name}"
    assert not server.received
    assert not list(tmp_path.iterdir())
