"""Generating the synchronous package: rewriting code and text, and errors."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from codegen.errors import CodegenError
from codegen.synchronous import synchronous
from codegen.targets import ROOT, SYNC_PACKAGE
from codegen.trees import differences, files_of

HEADER = "# Generated.\n"

Convert = Callable[..., str]


@pytest.fixture
def convert(tmp_path: Path) -> Convert:
    """Convert the text of a module."""

    def converted(text: str, name: str = "module.py") -> str:
        source = tmp_path / "_async"
        source.mkdir(exist_ok=True)
        (source / name).write_text(text, encoding="utf-8")
        package = tmp_path / "_sync"
        synchronous(source, package, header=HEADER)
        generated = (package / name).read_text(encoding="utf-8")
        assert generated.startswith(HEADER)
        ast.parse(generated)
        return generated.removeprefix(HEADER)

    return converted


@pytest.mark.parametrize(
    ("asynchronous", "expected"),
    [
        ("async def f():\n    return await g()\n", "def f():\n    return g()\n"),
        ("async def f(a):\n    async with a as b:\n        await b\n",
         "def f(a):\n    with a as b:\n        b\n"),
        ("async def f(a):\n    async for b in a:\n        yield b\n",
         "def f(a):\n    for b in a:\n        yield b\n"),
        ("async def f(a):\n    return [b async for b in a]\n",
         "def f(a):\n    return [b for b in a]\n"),
        ("class ProvClient(BaseClient):\n    jobs: JobsClient\n",
         "class SyncProvClient(SyncBaseClient):\n    jobs: SyncJobsClient\n"),
        ("class A:\n    async def __aenter__(self):\n        return self\n",
         "class A:\n    def __enter__(self):\n        return self\n"),
        ("class A:\n    async def aclose(self):\n        await self.b.aclose()\n",
         "class A:\n    def close(self):\n        self.b.close()\n"),
        ("async def f(a: AsyncIterator[int]) -> AsyncGenerator[int, None]:\n"
         "    yield await anext(a)\n",
         "def f(a: Iterator[int]) -> Generator[int, None]:\n    yield next(a)\n"),
        ("a = httpx.AsyncBaseTransport\n", "a = httpx.BaseTransport\n"),
    ],
)  # fmt: skip
def test_code_is_converted(convert: Convert, asynchronous: str, expected: str) -> None:
    assert convert(asynchronous) == expected


def test_imports_are_converted_and_sorted(convert: Convert) -> None:
    converted = convert(
        "import zlib\n"
        "from prov_facade._runtime.aio.concurrency import sleep\n"
        "from prov_facade._async.transport import Timeout\n"
        "from prov_facade._http.responses import read\n"
        "from prov_api_client import Request\n"
        "import httpx\n"
        "from collections.abc import AsyncIterator\n"
        "from job_api_client import Client\n"
        "from contextlib import aclosing, suppress\n"
        "used = (sleep, Timeout, read, Request, zlib, httpx, AsyncIterator, Client)\n"
        "also = (suppress, aclosing)\n"
    )
    assert converted == (
        "import zlib\n"
        "from collections.abc import Iterator\n"
        "from contextlib import closing, suppress\n"
        "\n"
        "import httpx\n"
        "\n"
        "from job_api_client import Client\n"
        "from prov_api_client import Request\n"
        "from prov_facade._http.responses import read\n"
        "from prov_facade._runtime.threads.concurrency import sleep\n"
        "from prov_facade._sync.transport import Timeout\n"
        "\n"
        "used = (sleep, Timeout, read, Request, zlib, httpx, Iterator, Client)\n"
        "also = (suppress, closing)\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Use ``async with`` or :meth:`aclose`.", "Use ``with`` or :meth:`close`."),
        (">>> async with ProvClient(a) as client:", ">>> with SyncProvClient(a) as client:"),
        ("...     job = await client.jobs.wait(1)", "...     job = client.jobs.wait(1)"),
        (":class:`~prov_facade.ProvClient`", ":class:`~prov_facade.SyncProvClient`"),
        ("ProvAdminClient, JobsClient", "SyncProvAdminClient, SyncJobsClient"),
        ("As for ``httpx.AsyncClient``.", "As for ``httpx.Client``."),
        ("by a cancelled\n    task", "by an interrupt"),
        ('A. ``"aiohttp"`` is faster for a thousand\n  concurrent calls; it needs the extra'
         " ``aiohttp``. B", "A. B"),
        ("Closed, so it can be used in one event loop only.", "Closed."),
        ("It awaits MyProvClient.", "It awaits MyProvClient."),
    ],
)  # fmt: skip
def test_text_is_reworded(convert: Convert, text: str, expected: str) -> None:
    source = f'def f():\n    r"""{text}"""\n    # {text.splitlines()[0]}\n    return None\n'
    converted = convert(source)
    function = ast.parse(converted).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert ast.get_docstring(function, clean=False) == expected
    if "\n" not in text:
        assert f"# {expected}\n" in converted


def test_an_f_string_keeps_its_code_and_is_reworded(convert: Convert) -> None:
    converted = convert(
        "async def f(call, client):\n"
        '    return f"{await call()} of a ProvClient, {client!r:>{len(call)}} needs aclose()"\n'
    )
    assert converted == (
        "def f(call, client):\n"
        '    return f"{call()} of a SyncProvClient, {client!r:>{len(call)}} needs close()"\n'
    )


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("import asyncio\n", "asyncio"),
        ("from asyncio import sleep\n", "asyncio"),
        ("a = httpx.AsyncHTTPTransport()\n", "AsyncHTTPTransport"),
        ("class AsyncThing:\n    pass\n", "AsyncThing"),
        ("a = AsyncThing, AsyncOther\n", "AsyncOther, AsyncThing"),
    ],
)
def test_an_unknown_async_name_is_an_error(convert: Convert, text: str, unknown: str) -> None:
    with pytest.raises(CodegenError, match=f"module.py uses {unknown}, which"):
        convert(text)


def test_unknown_async_names_in_text_are_allowed(convert: Convert) -> None:
    assert convert('"""Of asyncio, and AsyncThing."""\n') == '"""Of asyncio, and AsyncThing."""\n'


@pytest.mark.parametrize("text", ["def f:\n    pass\n", "def f(\n"])
def test_invalid_python_is_an_error_and_leaves_nothing(tmp_path: Path, text: str) -> None:
    source = tmp_path / "_async"
    source.mkdir()
    (source / "module.py").write_text(text, encoding="utf-8")
    with pytest.raises(CodegenError, match=r"ruff|module\.py cannot be parsed"):
        synchronous(source, tmp_path / "_sync", header=HEADER)
    assert not (tmp_path / "_sync").exists()


def test_the_same_source_gives_the_same_package(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        synchronous(ROOT / SYNC_PACKAGE.source, tmp_path / name / "_sync", header=HEADER)
    assert differences(tmp_path / "one" / "_sync", tmp_path / "other" / "_sync") == []
    modules = files_of(ROOT / SYNC_PACKAGE.source)
    assert files_of(tmp_path / "one" / "_sync").keys() == modules.keys()


def test_the_checked_in_package_contains_nothing_asynchronous() -> None:
    for module in (ROOT / SYNC_PACKAGE.package).rglob("*.py"):
        text = module.read_text(encoding="utf-8")
        assert not re.findall(r"\basync (?:def|for|with)\b|\bawait ", text)
        tree = ast.parse(text)
        kinds = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
        assert not [node for node in ast.walk(tree) if isinstance(node, kinds)]
        imported = [
            name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in (getattr(node, "module", None), *(alias.name for alias in node.names))
            if name
        ]
        assert not {"_async", "aio", "asyncio"}.intersection(".".join(imported).split("."))
