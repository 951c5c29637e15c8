"""Calls of manifest methods, and an independent model of their effect."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from prov_facade._registration.manifest import ChunkState, Manifest, Outcome

API = "https://prov-api.example.org"
SIZE = 5

# The name of a method and its arguments.
Call = tuple[str, tuple[Any, ...]]


def digest(of: object) -> str:
    return sha256(repr(of).encode()).hexdigest()


def outcomes(count: int) -> list[Outcome]:
    """Outcomes of each kind: registered, failed, and neither."""
    kinds = [
        Outcome("séance", "10378.1/1", None, None),
        Outcome("s", None, 'it says "no"\n', "JobFailedError"),
        Outcome(None, None, None, None),
    ]
    return [kinds[index % 3] for index in range(count)]


def apply(manifest: Manifest, call: Call) -> Any:
    method, arguments = call
    return getattr(manifest, method)(*arguments)


class Model:
    """The state that a manifest should have after a series of calls."""

    def __init__(self, calls: Iterable[Call] = ()) -> None:
        self.chunks: list[dict[str, Any]] = []
        for call in calls:
            self.apply(call)

    def allows(self, call: Call) -> bool:
        method, arguments = call
        if method == "plan":
            return bool(arguments[0] > 0)
        if arguments[0] >= len(self.chunks):
            return False
        chunk = self.chunks[arguments[0]]
        state, first, count = chunk["state"], chunk["first"], chunk["count"]
        all_refused = state == "not submitted" and len(chunk["refused"]) == count
        allowed: dict[str, Callable[[], bool]] = {
            "plan_again": lambda: state == "not submitted",
            "submitted": lambda: state == "submitting" and arguments[1] not in self.session_ids(),
            "not_submitted": lambda: (
                state == "submitting" and set(arguments[2]) <= set(range(first, first + count))
            ),
            "batch": lambda: state == "submitted",
            "done": lambda: (state == "submitted" or all_refused) and len(arguments[1]) == count,
        }
        return allowed[method]()

    def apply(self, call: Call) -> None:
        assert self.allows(call)
        method, arguments = call
        if method == "plan":
            first = sum(chunk["count"] for chunk in self.chunks)
            names = ["count", "digest", "planned_at"]
            self.chunks.append(dict(zip(names, arguments, strict=True)))
            self.chunks[-1] |= {"number": len(self.chunks) - 1, "first": first}
            self.chunks[-1] |= {"state": "submitting", "session_id": None, "batch_id": None}
            self.chunks[-1] |= {"refused": {}, "excluded": set(), "outcomes": None}
            return
        chunk = self.chunks[arguments[0]]
        if method == "plan_again":
            chunk |= {"state": "submitting", "digest": arguments[1], "planned_at": arguments[2]}
            chunk |= {"excluded": set(chunk["refused"])}
        elif method == "submitted":
            chunk |= {"state": "submitted", "session_id": arguments[1]}
        elif method == "not_submitted":
            chunk |= {"state": "not submitted", "refused": arguments[2] | chunk["refused"]}
        elif method == "batch":
            chunk["batch_id"] = arguments[1]
        elif method == "done":
            chunk |= {"state": "done", "outcomes": arguments[1]}

    def copy(self) -> Model:
        return copy.deepcopy(self)

    def session_ids(self) -> set[str]:
        return {chunk["session_id"] for chunk in self.chunks} - {None}

    def state(self) -> Any:
        return self.chunks, self.session_ids()


def state_of(manifest: Manifest) -> Any:
    """The whole state of a manifest, in the same form as that of the model."""
    chunks = []
    for number in itertools.count():
        chunk = manifest.chunk(number)
        if chunk is None:
            break
        names = ["number", "first", "count", "digest", "planned_at", "session_id", "batch_id"]
        state: dict[str, Any] = {name: getattr(chunk, name) for name in names}
        state |= {"state": str(chunk.state), "refused": dict(chunk.refused)}
        state |= {"excluded": set(chunk.excluded)}
        done = chunk.state is ChunkState.DONE
        state["outcomes"] = manifest.outcomes(chunk.number) if done else None
        chunks.append(state)
    return chunks, set(manifest.session_ids())


def reopened(path: Path) -> Any:
    with Manifest(path, API) as manifest:
        return state_of(manifest)


# Calls of every method, with every state transition of a chunk.
ALL_TRANSITIONS: list[Call] = [
    ("plan", (3, digest(1), 1700000000.25)),
    ("submitted", (0, "job 0")),
    ("plan", (2, digest(2), 1700000001.5)),
    ("batch", (0, "batch 0")),
    ("not_submitted", (1, "422", {4: "it has no\nname"})),
    ("done", (0, outcomes(3))),
    ("plan_again", (1, digest(3), 1700000002.5)),
    ("not_submitted", (1, "no response", {})),
    ("plan_again", (1, digest(4), 1700000003.5)),
    ("submitted", (1, "job 1")),
    ("plan", (1, digest(5), 1700000004.5)),
    ("not_submitted", (2, "422", {5: "never"})),
    ("done", (2, outcomes(1))),
    ("done", (1, outcomes(2))),
    ("plan", (1, digest(6), 1700000005.5)),
]


def endless_calls() -> Iterator[Call]:
    """The calls of an endless_calls registration, always the same."""
    for number in itertools.count():
        yield "plan", (SIZE, digest(number), number + 0.5)
        if number % 3 == 0:
            refused = {number * SIZE: "no"} if number % 2 else {}
            yield "not_submitted", (number, "422", refused)
            yield "plan_again", (number, digest(-number), number + 0.75)
        yield "submitted", (number, f"job {number}")
        yield "batch", (number, f"batch {number}")
        yield "done", (number, outcomes(SIZE))
