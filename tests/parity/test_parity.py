"""Both clients have the same members, signatures and docstrings, apart from ``await``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

import prov_facade
from prov_facade import (
    BaseClient,
    JobsClient,
    ProvAdminClient,
    ProvClient,
    SyncBaseClient,
    SyncJobsClient,
    SyncProvAdminClient,
    SyncProvClient,
)

PAIRS: dict[type[Any], type[Any]] = {
    BaseClient: SyncBaseClient,
    ProvClient: SyncProvClient,
    ProvAdminClient: SyncProvAdminClient,
    JobsClient: SyncJobsClient,
}

# Names that differ in the synchronous client.
_METHODS = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__"}

_TYPES = {
    r"\b(BaseClient|JobsClient|ProvAdminClient|ProvClient)\b": r"Sync\1",
    r"\bAsync(Iterator|Generator|Iterable)\b": r"\1",
    r"\bhttpx\.Async(Client|BaseTransport|HTTPTransport)\b": r"httpx.\1",
}

_REWORDED = {
    "asynchronous iterator": "iterator",
    "a cancelled task": "an interrupt",
    "connections, so it can be used in one event loop only.": "connections.",
    '``"aiohttp"`` is faster for a thousand concurrent calls; it needs the extra ``aiohttp``.': "",
}


def renamed(text: str) -> str:
    """Replace the names in a text with their synchronous forms."""
    for name, other in _TYPES.items():
        text = re.sub(name, other, text)
    return text


def reworded(text: str) -> str:
    """Return the synchronous form of a docstring, regardless of line breaks."""
    text = re.sub(r"\basync (with|for)\b", r"\1", text).replace("await ", "")
    for asynchronous, synchronous in _REWORDED.items():
        text = re.sub(r"\s+".join(map(re.escape, asynchronous.split())), synchronous, text)
    return " ".join(renamed(text).split())


def public(kind: type[Any]) -> dict[str, Any]:
    """The public members of a client, and those that make it a context manager."""
    names = [name for name in dir(kind) if not name.startswith("_") or name in _CONTEXT]
    return {name: inspect.getattr_static(kind, name) for name in names}


_CONTEXT = {"__init__", *_METHODS, *_METHODS.values()}


MEMBERS = [
    pytest.param(kind, name, id=f"{kind.__name__}.{name}")
    for kind in PAIRS
    for name in public(kind)
]


@pytest.mark.parametrize("kind", PAIRS, ids=lambda kind: kind.__name__)
def test_both_clients_have_the_same_members(kind: type[Any]) -> None:
    ours = {_METHODS.get(name, name) for name in public(kind)}
    assert ours == set(public(PAIRS[kind]))
    assert {"close", "__enter__", "__exit__"} <= ours


@pytest.mark.parametrize("kind", PAIRS, ids=lambda kind: kind.__name__)
def test_both_clients_have_the_same_bases_and_attributes(kind: type[Any]) -> None:
    twin = PAIRS[kind]
    assert [base.__name__ for base in twin.__mro__] == [
        renamed(base.__name__) for base in kind.__mro__
    ]
    assert inspect.get_annotations(twin) == {
        name: renamed(text) for name, text in inspect.get_annotations(kind).items()
    }
    assert " ".join(str(twin.__doc__).split()) == reworded(str(kind.__doc__))


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_both_clients_have_the_same_signatures(kind: type[Any], name: str) -> None:
    ours, theirs = getattr(kind, name), getattr(PAIRS[kind], _METHODS.get(name, name))
    if not callable(ours):
        assert type(ours) is type(theirs)
        return
    one, other = inspect.signature(ours), inspect.signature(theirs)
    assert list(other.parameters) == list(one.parameters)
    for parameter, twin in zip(one.parameters.values(), other.parameters.values(), strict=True):
        assert (twin.kind, twin.default) == (parameter.kind, parameter.default)
        assert twin.annotation == renamed(str(parameter.annotation)) or (
            twin.annotation is parameter.annotation is inspect.Parameter.empty
        )
    assert other.return_annotation == renamed(one.return_annotation)


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_both_clients_have_the_same_docstrings(kind: type[Any], name: str) -> None:
    ours, theirs = getattr(kind, name), getattr(PAIRS[kind], _METHODS.get(name, name))
    assert (ours.__doc__ is None) == (theirs.__doc__ is None)
    if ours.__doc__ is not None:
        assert " ".join(theirs.__doc__.split()) == reworded(ours.__doc__)


def functions(kind: type[Any]) -> Iterator[tuple[str, Callable[..., Any]]]:
    for owner in kind.__mro__:
        if owner.__module__.startswith("prov_facade"):
            for name, member in vars(owner).items():
                member = getattr(member, "__func__", member)  # noqa: PLW2901
                if inspect.isfunction(member):
                    yield name, member


@pytest.mark.parametrize("kind", PAIRS, ids=lambda kind: kind.__name__)
def test_every_coroutine_has_a_synchronous_function(kind: type[Any]) -> None:
    twins = dict(functions(PAIRS[kind]))
    seen = 0
    for name, ours in functions(kind):
        theirs = twins[_METHODS.get(name, name)]
        assert not inspect.iscoroutinefunction(theirs)
        assert not inspect.isasyncgenfunction(theirs)
        assert inspect.isgeneratorfunction(theirs) == inspect.isasyncgenfunction(ours)
        seen += inspect.iscoroutinefunction(ours)
    assert seen
    assert len(twins) == len(dict(functions(kind)))


@pytest.mark.parametrize("kind", PAIRS.values(), ids=lambda kind: kind.__name__)
def test_synchronous_docstrings_do_not_mention_coroutines(kind: type[Any]) -> None:
    texts = [kind.__doc__, *(function.__doc__ for _, function in functions(kind))]
    for text in filter(None, texts):
        for word in ("await", "async", "coroutine", "event loop", "aiohttp", "task"):
            # Not in names of other packages.
            assert not re.search(rf"(?<![\w.])\w*{word}", text, re.IGNORECASE), (word, text)


@pytest.mark.parametrize("name", ["BaseClient", "JobsClient", "ProvAdminClient", "ProvClient"])
def test_both_clients_are_public(name: str) -> None:
    for one in (name, f"Sync{name}"):
        assert one in prov_facade.__all__
        assert inspect.isclass(getattr(prov_facade, one))


def test_the_parts_of_a_synchronous_client_are_synchronous() -> None:
    config = prov_facade.Config("prov.test", "provena")
    for kind, twin in PAIRS.items():
        one = twin(prov_facade.BearerToken("token"), config)
        assert isinstance(one, SyncBaseClient)
        assert BaseClient not in type(one).__mro__
        assert repr(one) == renamed(repr(kind(prov_facade.BearerToken("token"), config)))
    client = SyncProvClient(prov_facade.BearerToken("token"), config)
    assert type(client.admin) is SyncProvAdminClient
    assert type(client.jobs) is SyncJobsClient


def test_each_client_rejects_transports_of_the_other() -> None:
    config, auth = prov_facade.Config("prov.test", "provena"), prov_facade.BearerToken("token")
    ProvClient(auth, config, transport=httpx.AsyncHTTPTransport())
    ProvClient(auth, config, transport="aiohttp")
    SyncProvClient(auth, config, transport=httpx.HTTPTransport())
    for wrong in (httpx.AsyncHTTPTransport(), "aiohttp", "requests"):
        with pytest.raises(prov_facade.ConfigError, match=r"httpx\.BaseTransport, such as"):
            SyncProvClient(auth, config, transport=wrong)  # type: ignore[arg-type]
    with pytest.raises(prov_facade.ConfigError, match=r"httpx\.AsyncBaseTransport"):
        ProvClient(auth, config, transport=httpx.HTTPTransport())  # type: ignore[arg-type]
