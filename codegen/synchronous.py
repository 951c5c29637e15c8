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
    "await ": "",
    "AsyncBaseTransport": "BaseTransport",
    "AsyncHTTPTransport": "HTTPTransport",
    "AsyncClient": "Client",
    "ProvClient": "SyncProvClient",
}
_WORD = re.compile(
    "|".join(
        # Words begin where words begin; a sentence may begin with a mark.
        (r"\b" if words[0].isalpha() else "") + re.escape(words).replace(r"\ ", r"\s+")
        for words in _WORDS
    )
)

_TEXTS = ("STRING", "FSTRING_MIDDLE", "COMMENT")


def synchronous(source: Path, package: Path, *, header: str) -> None:
    """Make a synchronous package of an asynchronous one.

    Args:
        source: The folder of the asynchronous package.
        package: The folder to write, which must not exist.
        header: The line that each file begins with.

    Raises:
        CodegenError: If the source uses something of asyncio's that has no counterpart here.
    """
    with tempfile.TemporaryDirectory() as scratch:
        copies = Path(scratch) / "asynchronous"
        modules = []
        for name, text in _texts(source).items():
            _refuse_unknown_names(name, text)
            module = copies / name
            module.parent.mkdir(parents=True, exist_ok=True)
            module.write_text(text, encoding="utf-8")
            modules.append(str(module))
        rule = unasync.Rule(str(copies), str(package), additional_replacements=_NAMES)
        unasync.unasync_files(modules, [rule])
    for module in package.rglob("*.py"):
        module.write_text(_reworded(module.read_text(encoding="utf-8")), encoding="utf-8")
    try:
        finish(package, header, first_party=FIRST_PARTY)
    except CodegenError:
        shutil.rmtree(package)
        raise


def unused_rules(source: Path) -> list[str]:
    """Return the names and words in the tables above that an asynchronous package does not contain.

    Args:
        source: The folder of the asynchronous package.
    """
    names: set[str] = set()
    words: set[str] = set()
    for name, text in _texts(source).items():
        for token in _tokens(name, text):
            if token.name == "NAME":
                names.add(token.src)
            elif token.name in _TEXTS:
                words.update(_rule_of(found) for found in _WORD.finditer(token.src))
    return [rule for rule in _NAMES if rule not in names] + [
        rule for rule in _WORDS if rule not in words
    ]


def _texts(source: Path) -> dict[str, str]:
    """Read the modules of a package, by their paths relative to it."""
    texts = {
        module.relative_to(source).as_posix(): module.read_text(encoding="utf-8")
        for module in sorted(source.rglob("*.py"))
    }
    if not texts:
        raise CodegenError(f"{source} holds no modules")
    return texts


def _tokens(name: str, text: str) -> list[tokenize_rt.Token]:
    try:
        tokens: list[tokenize_rt.Token] = tokenize_rt.src_to_tokens(text)
    except tokenize.TokenError as error:
        raise CodegenError(f"{name} cannot be read: {error}") from error
    return tokens


def _refuse_unknown_names(name: str, text: str) -> None:
    names = {token.src for token in _tokens(name, text) if token.name == "NAME"}
    unknown = {
        name
        for name in names
        if name == "asyncio" or (re.match("Async[A-Z]", name) and name not in _KNOWN)
    }
    if unknown:
        raise CodegenError(
            f"{name} uses {', '.join(sorted(unknown))}: what differs between the clients belongs"
            " in _runtime/aio and _runtime/threads, or in the table of names in"
            " codegen/synchronous.py"
        )


def _rule_of(found: re.Match[str]) -> str:
    """Return the rule that matched words, which may be broken over lines."""
    return found[0] if found[0] in _WORDS else re.sub(r"\s+", " ", found[0])


def _reworded(text: str) -> str:
    """Put the words of texts, and of comments, in their synchronous form."""
    reworded: str = tokenize_rt.tokens_to_src(
        token._replace(src=_WORD.sub(lambda found: _WORDS[_rule_of(found)], token.src))
        if token.name in _TEXTS
        else token
        for token in tokenize_rt.src_to_tokens(text)
    )
    return reworded
