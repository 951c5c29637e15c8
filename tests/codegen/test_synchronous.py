"""The synchronous package: how code and texts are converted, and what is refused."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from codegen import synchronous as rules
from codegen.errors import CodegenError
from codegen.synchronous import synchronous, unused_rules
from codegen.targets import ROOT, TWIN
from codegen.trees import differences, files_of

HEADER = "# Made by machine.\n"

Convert = Callable[..., str]


@pytest.fixture
def convert(tmp_path: Path) -> Convert:
    """Convert the text of a module."""

    def converted(text: str, name: str = "module.py") -> str:
        source = tmp_path / "_async"
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text, encoding="utf-8")
        package = tmp_path / "_sync"
        synchronous(source, package, header=HEADER)
        made = (package / name).read_text(encoding="utf-8")
        assert made.startswith(HEADER)
        ast.parse(made)
        return made.removeprefix(HEADER)

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
        ("a = httpx.AsyncClient\nb = httpx.AsyncBaseTransport\n",
         "a = httpx.Client\nb = httpx.BaseTransport\n"),
        ("async def f(stack, a):\n    await stack.enter_async_context(a)\n",
         "def f(stack, a):\n    stack.enter_context(a)\n"),
    ],
)  # fmt: skip
def test_code_is_converted(convert: Convert, asynchronous: str, expected: str) -> None:
    assert convert(asynchronous) == expected


def test_imports_lead_to_the_other_packages_and_are_sorted(convert: Convert) -> None:
    made = convert(
        "import zlib\n"
        "from prov_facade._runtime.aio.concurrency import sleep\n"
        "from prov_facade._async.transport import Timeout\n"
        "from prov_facade._http.responses import read\n"
        "from prov_api_client import Request\n"
        "import httpx\n"
        "from collections.abc import AsyncIterator\n"
        "from job_api_client import Client\n"
        "from contextlib import AsyncExitStack, aclosing\n"
        "used = (sleep, Timeout, read, Request, zlib, httpx, AsyncIterator, Client)\n"
        "also = (AsyncExitStack, aclosing)\n"
    )
    assert made == (
        "import zlib\n"
        "from collections.abc import Iterator\n"
        "from contextlib import ExitStack, closing\n"
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
        "also = (ExitStack, closing)\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Use ``async with``.", "Use ``with``."),
        (">>> async with ProvClient(a) as client:", ">>> with SyncProvClient(a) as client:"),
        ("...     job = await client.jobs.wait(1)", "...     job = client.jobs.wait(1)"),
        (":class:`~prov_facade.ProvClient`", ":class:`~prov_facade.SyncProvClient`"),
        ("As for ``httpx.AsyncClient``.", "As for ``httpx.Client``."),
        ("by a cancelled\n    task", "by an interrupt"),
        ('A. ``"aiohttp"`` is for a thousand calls\n    at once; it needs the extra ``aiohttp``. B',
         "A. B"),
        ("Closed, and so serves one event loop.", "Closed."),
        ("It awaits MyProvClient.", "It awaits MyProvClient."),
    ],
)  # fmt: skip
def test_texts_are_reworded(convert: Convert, text: str, expected: str) -> None:
    made = convert(f'def f():\n    r"""{text}"""\n    # {text.splitlines()[0]}\n    return None\n')
    function = ast.parse(made).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert ast.get_docstring(function, clean=False) == expected
    if "\n" not in text:
        assert f"# {expected}\n" in made


def test_an_f_string_keeps_its_code_and_is_reworded(convert: Convert) -> None:
    made = convert(
        "async def f(call, client):\n"
        '    return f"{await call()} of a ProvClient, {client!r:>{len(call)}} (AsyncClient)"\n'
    )
    assert made == (
        "def f(call, client):\n"
        '    return f"{call()} of a SyncProvClient, {client!r:>{len(call)}} (Client)"\n'
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import asyncio\n", "asyncio"),
        ("from asyncio import sleep\n", "asyncio"),
        ("a = httpx.AsyncHTTPTransport()\n", "AsyncHTTPTransport"),
        ("class AsyncThing:\n    pass\n", "AsyncThing"),
        ("a = AsyncThing, AsyncOther\n", "AsyncOther, AsyncThing"),
    ],
)
def test_names_without_a_synchronous_counterpart_are_refused(
    convert: Convert, text: str, name: str
) -> None:
    with pytest.raises(CodegenError, match=f"module.py uses {name}: what differs"):
        convert(text)


def test_names_in_texts_are_not_refused(convert: Convert) -> None:
    assert convert('"""Of asyncio, and AsyncThing."""\n') == '"""Of asyncio, and AsyncThing."""\n'


def test_modules_in_subfolders_are_converted(convert: Convert, tmp_path: Path) -> None:
    text = "from prov_facade._async.registration.recovery import Recovery\n\nused = Recovery\n"
    assert convert(text, "registration/submission.py") == text.replace("_async", "_sync")
    assert [path.name for path in (tmp_path / "_sync").iterdir()] == ["registration"]


def test_rules_that_nothing_uses_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_NAMES", {"aclose": "close", "aread": "read"})
    monkeypatch.setattr(rules, "_WORDS", {"a cancelled task": "an interrupt", "async with": "with"})
    module = tmp_path / "package" / "module.py"
    module.parent.mkdir()
    module.write_text('a.aread()\n"""aclose, a cancelled\n\ttask"""\n', encoding="utf-8")
    assert unused_rules(tmp_path) == ["aclose", "async with"]
    module.write_text("a.aclose, a.aread  # async with a cancelled task\n", encoding="utf-8")
    assert unused_rules(tmp_path) == []


def test_a_folder_without_modules_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(CodegenError, match="holds no modules"):
        synchronous(tmp_path, tmp_path / "_sync", header=HEADER)
    assert not (tmp_path / "_sync").exists()


@pytest.mark.parametrize("text", ["def f:\n    pass\n", "def f(\n"])
def test_invalid_python_is_refused_and_leaves_nothing(tmp_path: Path, text: str) -> None:
    source = tmp_path / "_async"
    source.mkdir()
    (source / "module.py").write_text(text, encoding="utf-8")
    with pytest.raises(CodegenError, match=r"ruff|module\.py cannot be read"):
        synchronous(source, tmp_path / "_sync", header=HEADER)
    assert not (tmp_path / "_sync").exists()


def test_the_same_source_gives_the_same_package(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        synchronous(ROOT / TWIN.source, tmp_path / name / "_sync", header=HEADER)
    assert differences(tmp_path / "one" / "_sync", tmp_path / "other" / "_sync") == []
    assert len(files_of(tmp_path / "one" / "_sync")) == len(
        list((ROOT / TWIN.source).rglob("*.py"))
    )


def test_what_is_checked_in_is_what_the_source_gives(tmp_path: Path) -> None:
    TWIN.build(ROOT, tmp_path / "_sync")
    assert differences(tmp_path / "_sync", ROOT / TWIN.package) == []


def test_nothing_asynchronous_is_left_in_what_is_checked_in() -> None:
    for module in (ROOT / TWIN.package).rglob("*.py"):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        kinds = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
        assert not [node for node in ast.walk(tree) if isinstance(node, kinds)]
        imported = {
            node.module or ""
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module
        }
        assert not [name for name in imported if "_async" in name or "_aio" in name]
