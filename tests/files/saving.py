"""The calls that save files, and responses to them."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from api_document import DOCX
from scripted_server import reply

from prov_facade import ProvClient, RetryPolicy

REPORT = {"id": "10378.1/40", "item_subtype": "MODEL_RUN", "depth": 1}
NO_BACKOFF = RetryPolicy(backoff=0, max_backoff=0)

Save = Callable[..., Coroutine[Any, Any, Path]]


def document(size: int = 3_000_000) -> bytes:
    """A Word document of about this many bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "x" * size)
    return buffer.getvalue()


CSV = ("_workflow template id 10378.1/10,display name\r\n" + ",Größe € 台風\n" * 150_000).encode()
DOCUMENT = document()


@dataclass(frozen=True)
class Kind:
    """A method that saves a file."""

    method: str
    operation: str
    argument: Any
    name: str
    content: bytes
    content_type: str

    def save(
        self, client: ProvClient, *arguments: Any, **keywords: Any
    ) -> Coroutine[Any, Any, Path]:
        method: Save = getattr(client, self.method)
        return method(self.argument, *arguments, **keywords)

    @property
    def reply(self) -> bytes:
        return reply(self.content, self.content_type)

    @property
    def half(self) -> bytes:
        """Half of the response."""
        return self.reply[: -len(self.content) // 2]


KINDS = [
    Kind("download_report", "generate_report", REPORT, "report-10378.1_40.docx", DOCUMENT, DOCX),
    Kind(
        "save_csv_template",
        "generate_csv_template",
        "10378.1/40",
        "template-10378.1_40.csv",
        CSV,
        "text/csv; charset=utf-8",
    ),
    Kind(
        "save_csv_from_batch",
        "regenerate_csv_from_model_run_batch",
        "7f1c2a5e-0000",
        "batch-7f1c2a5e-0000.csv",
        CSV,
        "text/csv",
    ),
]

EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=[kind.method for kind in KINDS])


def files_in(folder: Path) -> dict[str, bytes]:
    """The names and contents of the files in a directory."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def wait_until_written(folder: Path) -> None:
    """Wait until something was written to the one file of a directory."""
    async with asyncio.timeout(10):
        while not any(files_in(folder).values()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
