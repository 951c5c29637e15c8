"""Generates the synchronous client from the asynchronous one, which is written by hand.

unasync rewrites the code token by token, except for docstrings, messages, comments and this
project's own class names. The tables below cover those.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import tokenize
from collections.abc import Iterable
from pathlib import Path

import tokenize_rt  # type: ignore[import-untyped]
import unasync  # type: ignore[import-untyped]

from codegen.errors import CodegenError
from codegen.formatting import FIRST_PARTY, finish

# Names in the code. Any other name that begins with `Async` is an error, since unasync would rename
# it automatically.
NAMES = {
    # this project
    "fetch_token": "get_token",
    "BaseClient": "SyncBaseClient",
    "JobsClient": "SyncJobsClient",
    "ProvAdminClient": "SyncProvAdminClient",
    "ProvClient": "SyncProvClient",
    "aio": "threads",
    "_async": "_sync",
    # httpx
    "AsyncBaseTransport": "BaseTransport",
    "AsyncByteStream": "SyncByteStream",
    "aclose": "close",
    "aiter_bytes": "iter_bytes",
    "aread": "read",
    "async_auth_flow": "sync_auth_flow",
    # the standard library
    "aclosing": "closing",
    "anext": "next",
    "asend": "send",
}

_KNOWN = {*NAMES, "AsyncIterable", "AsyncIterator", "AsyncGenerator"}

# Phrases in strings and comments, even across line breaks. NAMES are replaced there, too.
WORDS = {
    ", so it can be used in one event loop only": "",
    ' ``"aiohttp"`` is faster for a thousand concurrent calls; it needs the extra ``aiohttp``.': "",
    "a cancelled task": "an interrupt",
    "async with": "with",
    "await ": "",
    "AsyncHTTPTransport": "HTTPTransport",
    "AsyncClient": "Client",
}

_TEXT_TOKENS = ("STRING", "FSTRING_MIDDLE", "COMMENT")
_WORD = re.compile(
    "|".join(
        # A word begins at a word boundary; a phrase may begin with punctuation.
        (r"\b" if words[0].isalpha() else "") + re.escape(words).replace(r"\ ", r"\s+")
        for words in WORDS
    )
    + rf"|\b(?:{'|'.join(NAMES)})\b"
)


def synchronous(source: Path, package: Path, *, header: str) -> None:
    """Generate a synchronous package from an asynchronous one.

    Args:
        source: The folder of the asynchronous package, which may have sub-packages.
        package: The folder to write, which must not exist.
        header: The line at the top of each file.

    Raises:
        CodegenError: If the source uses a part of asyncio that has no synchronous counterpart.
    """
    modules = _modules(source)
    with tempfile.TemporaryDirectory() as scratch:
        copies = Path(scratch) / "asynchronous"
        for name, text in modules.items():
            _check_names(name, text)
            (copies / name).parent.mkdir(parents=True, exist_ok=True)
            (copies / name).write_text(text, encoding="utf-8")
        rule = unasync.Rule(str(copies), str(package), additional_replacements=NAMES)
        unasync.unasync_files([str(copies / name) for name in modules], [rule])
    for module in package.rglob("*.py"):
        module.write_text(_reworded(module.read_text(encoding="utf-8")), encoding="utf-8")
    try:
        finish(package, header, first_party=FIRST_PARTY)
    except CodegenError:
        shutil.rmtree(package)
        raise


def unused_rules(source: Path) -> list[str]:
    """List the entries of the tables above that no module of the source uses.

    Args:
        source: The folder of the asynchronous package.

    Raises:
        CodegenError: If a module cannot be parsed.
    """
    names: set[str] = set()
    words: set[str] = set()
    for name, text in _modules(source).items():
        for token in _tokens(name, text):
            if token.name == "NAME":
                names.add(token.src)
            elif token.name in _TEXT_TOKENS:
                words.update(_rule_of(found) for found in _WORD.finditer(token.src))
    return [name for name in NAMES if name not in names] + [
        rule for rule in WORDS if rule not in words
    ]


def _modules(source: Path) -> dict[str, str]:
    """Read the modules of a package, by their path relative to it."""
    modules = {
        path.relative_to(source).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(source.rglob("*.py"))
    }
    if not modules:
        raise CodegenError(f"{source} contains no modules")
    return modules


def _tokens(name: str, text: str) -> Iterable[tokenize_rt.Token]:
    try:
        tokens: list[tokenize_rt.Token] = tokenize_rt.src_to_tokens(text)
    except tokenize.TokenError as error:
        raise CodegenError(f"{name} cannot be parsed: {error}") from error
    return tokens


def _check_names(name: str, text: str) -> None:
    """Raise an error for names that have no synchronous counterpart."""
    unknown = {
        token.src
        for token in _tokens(name, text)
        if token.name == "NAME"
        and (token.src == "asyncio" or re.match("Async[A-Z]", token.src))
        and token.src not in _KNOWN
    }
    if unknown:
        raise CodegenError(
            f"{name} uses {', '.join(sorted(unknown))}, which has no synchronous counterpart: move"
            " it to _runtime/aio and _runtime/threads, or add it to NAMES in"
            " codegen/synchronous.py"
        )


def _rule_of(found: re.Match[str]) -> str:
    """Return the entry of the tables for a match, which may contain a line break."""
    return found[0] if found[0] in WORDS else re.sub(r"\s+", " ", found[0])


def _reworded(text: str) -> str:
    """Replace words and names in strings and comments."""
    table = NAMES | WORDS
    reworded: str = tokenize_rt.tokens_to_src(
        token._replace(src=_WORD.sub(lambda found: table[_rule_of(found)], token.src))
        if token.name in _TEXT_TOKENS
        else token
        for token in tokenize_rt.src_to_tokens(text)
    )
    return reworded
