"""Makes the synchronous client of the asynchronous one, which is written by hand.

unasync turns the code around, token by token. What it leaves alone is what people read: texts
within the code, the names of this project's own classes, and the words of asyncio's users.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import tokenize
from pathlib import Path

import tokenize_rt  # type: ignore[import-untyped]
import unasync  # type: ignore[import-untyped]

from codegen.errors import CodegenError
from codegen.formatting import FIRST_PARTY, finish

# Names in the code. Others that begin with `Async` are refused, since unasync would rename them by
# itself.
_NAMES = {
    # our own
    "fetch_token": "get_token",
    "BaseClient": "SyncBaseClient",
    "JobsClient": "SyncJobsClient",
    "ProvAdminClient": "SyncProvAdminClient",
    "ProvClient": "SyncProvClient",
    "aio": "threads",
    "_async": "_sync",
    # httpx's
    "AsyncBaseTransport": "BaseTransport",
    "AsyncClient": "Client",
    "aclose": "close",
    "aiter_bytes": "iter_bytes",
    "aread": "read",
    "async_auth_flow": "sync_auth_flow",
    # Python's
    "aclosing": "closing",
    "anext": "next",
    "asend": "send",
}

_KNOWN = {*_NAMES, "AsyncIterable", "AsyncIterator", "AsyncGenerator"}

# Words in texts, wherever their lines break. The longer ones come first, since they hold others.
_WORDS = {
    ", and so serves one event loop": "",
    ' ``"aiohttp"`` is for a thousand calls at once; it needs the extra ``aiohttp``.': "",
    "a cancelled task": "an interrupt",
    "async with": "with",
    "async for": "for",
    "asynchronous iterator": "iterator",
    "await ": "",
    "AsyncBaseTransport": "BaseTransport",
    "AsyncHTTPTransport": "HTTPTransport",
    "AsyncClient": "Client",
    "BaseClient": "SyncBaseClient",
    "JobsClient": "SyncJobsClient",
    "ProvAdminClient": "SyncProvAdminClient",
    "ProvClient": "SyncProvClient",
    "aclose": "close",
}
_WORD = re.compile(
    "|".join(
        # Words begin where words begin; a sentence may begin with a mark.
        (r"\b" if words[0].isalpha() else "") + re.escape(words).replace(r"\ ", r"\s+")
        for words in _WORDS
    )
)


def synchronous(source: Path, package: Path, *, header: str) -> None:
    """Make a synchronous package of an asynchronous one.

    Args:
        source: The folder of the asynchronous package.
        package: The folder to write, which must not exist.
        header: The line that each file begins with.

    Raises:
        CodegenError: If the source uses something of asyncio's that has no counterpart here.
    """
    modules = sorted(source.glob("*.py"))
    if not modules:
        raise CodegenError(f"{source} holds no modules")
    with tempfile.TemporaryDirectory() as scratch:
        copies = Path(scratch) / "asynchronous"
        copies.mkdir()
        for module in modules:
            text = module.read_text(encoding="utf-8")
            _refuse_strangers(module.name, text)
            (copies / module.name).write_text(text, encoding="utf-8")
        rule = unasync.Rule(str(copies), str(package), additional_replacements=_NAMES)
        unasync.unasync_files([str(copies / module.name) for module in modules], [rule])
    for module in package.glob("*.py"):
        module.write_text(_reworded(module.read_text(encoding="utf-8")), encoding="utf-8")
    try:
        finish(package, header, first_party=FIRST_PARTY)
    except CodegenError:
        shutil.rmtree(package)
        raise


def _refuse_strangers(name: str, text: str) -> None:
    try:
        names = {token.src for token in tokenize_rt.src_to_tokens(text) if token.name == "NAME"}
    except tokenize.TokenError as error:
        raise CodegenError(f"{name} cannot be read: {error}") from error
    strangers = {
        name
        for name in names
        if name == "asyncio" or (re.match("Async[A-Z]", name) and name not in _KNOWN)
    }
    if strangers:
        raise CodegenError(
            f"{name} uses {', '.join(sorted(strangers))}: what differs between the clients belongs"
            " in _runtime/aio and _runtime/threads, or in the table of names in"
            " codegen/synchronous.py"
        )


def _in_other_words(found: re.Match[str]) -> str:
    words = found[0]
    return _WORDS[words] if words in _WORDS else _WORDS[re.sub(r"\s+", " ", words)]


def _reworded(text: str) -> str:
    """Put the words of texts, and of comments, in their synchronous form."""
    reworded: str = tokenize_rt.tokens_to_src(
        token._replace(src=_WORD.sub(_in_other_words, token.src))
        if token.name in ("STRING", "FSTRING_MIDDLE", "COMMENT")
        else token
        for token in tokenize_rt.src_to_tokens(text)
    )
    return reworded
