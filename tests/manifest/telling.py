"""What manifests are told, and a model of what they make of it."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from prov_facade._registration.manifest import Manifest, Outcome

API = "https://prov-api.example.org"
FORMAT = "prov-facade-manifest"

# The name of a method and its arguments.
Call = tuple[str, tuple[Any, ...]]


def digest(of: object) -> str:
    return sha256(repr(of).encode()).hexdigest()


def outcomes(count: int) -> list[Outcome]:
    """Outcomes of each kind: registered, failed, and of which nothing is known."""
    kinds = [
        Outcome("séance", "10378.1/1", None, None),
        Outcome("s", None, 'it says "no"\n', "JobFailedError"),
        Outcome(None, None, None, None),
    ]
    return [kinds[index % 3] for index in range(count)]


def tell(manifest: Manifest, call: Call) -> Any:
    method, arguments = call
    return getattr(manifest, method)(*arguments)


def line_of(call: Call, known: Model) -> bytes:
    """The line that tells this, written without the module."""
    method, arguments = call
    keys = {
        "plan": ["first", "count", "digest", "at"],
        "plan_again": ["chunk", "digest", "at"],
        "submitted": ["chunk", "session_id"],
        "not_submitted": ["chunk", "not_submitted", "refused"],
        "batch": ["chunk", "batch_id"],
        "done": ["chunk", "outcomes"],
    }
    if method == "note":
        event: dict[str, Any] = {"note": dict([arguments])}
    else:
        event = dict(zip(keys[method], arguments, strict=True))
        event.setdefault("chunk", len(known.chunks))
    if method == "plan_again":
        number = event["chunk"]
        found = known.chunks[number] if number < len(known.chunks) else {"first": -1, "count": 1}
        event |= {"first": found["first"], "count": found["count"]}
    return json.dumps(event).encode() + b"\n"


def header(**changes: object) -> bytes:
    return json.dumps({FORMAT: 1, "prov_api": API} | changes).encode() + b"\n"


class Model:
    """What a manifest should know, from what it was told."""

    def __init__(self) -> None:
        self.chunks: list[dict[str, Any]] = []
        self.notes: dict[str, Any] = {}

    def allows(self, call: Call) -> bool:
        method, arguments = call
        if method in ("note", "plan"):
            ends = sum(chunk["count"] for chunk in self.chunks)
            return method == "note" or (arguments[0] == ends and arguments[1] > 0)
        if arguments[0] >= len(self.chunks):
            return False
        chunk = self.chunks[arguments[0]]
        state, first, count = chunk["state"], chunk["first"], chunk["count"]
        all_refused = state == "free" and len(chunk["refused"]) == count
        told = arguments[1]
        allowed: dict[str, Callable[[], bool]] = {
            "plan_again": lambda: state == "free" and not all_refused,
            "submitted": lambda: (
                chunk["session_id"] == told
                or (state == "submitting" and told not in self.session_ids())
            ),
            "not_submitted": lambda: (
                state == "submitting" and set(arguments[2]) <= set(range(first, first + count))
            ),
            "batch": lambda: (
                chunk["batch_id"] == told or (state == "submitted" and chunk["batch_id"] is None)
            ),
            "done": lambda: (state == "submitted" or all_refused) and len(told) == count,
        }
        return allowed[method]()

    def take(self, call: Call) -> None:
        assert self.allows(call)
        method, arguments = call
        if method == "note":
            self.notes[arguments[0]] = arguments[1]
        elif method == "plan":
            names = ["first", "count", "digest", "at"]
            self.chunks.append(dict(zip(names, arguments, strict=True)))
            self.chunks[-1] |= {"number": len(self.chunks) - 1, "state": "submitting"}
            self.chunks[-1] |= {"session_id": None, "batch_id": None, "refused": {}, "out": None}
            self.chunks[-1] |= {"left_out": set()}
        else:
            chunk = self.chunks[arguments[0]]
            if method == "plan_again":
                chunk |= {"state": "submitting", "digest": arguments[1], "at": arguments[2]}
                chunk |= {"left_out": set(chunk["refused"])}
            elif method == "submitted" and chunk["session_id"] is None:
                chunk |= {"state": "submitted", "session_id": arguments[1]}
            elif method == "not_submitted":
                chunk |= {"state": "free", "refused": chunk["refused"] | arguments[2]}
            elif method == "batch":
                chunk["batch_id"] = arguments[1]
            elif method == "done":
                chunk |= {"state": "done", "out": arguments[1]}

    def copy(self) -> Model:
        return copy.deepcopy(self)

    def session_ids(self) -> set[str]:
        return {chunk["session_id"] for chunk in self.chunks} - {None}

    def seen(self) -> Any:
        return self.chunks, self.session_ids(), self.notes


def seen(manifest: Manifest) -> Any:
    """What a manifest knows, all of it, in the form of the model's."""
    chunks = []
    for chunk in manifest.chunks:
        names = ["number", "first", "count", "digest", "at", "session_id", "batch_id"]
        known: dict[str, Any] = {name: getattr(chunk, name) for name in names}
        known |= {"state": chunk.state.value, "refused": dict(chunk.refused)}
        known["left_out"] = set(chunk.left_out)
        known["out"] = manifest.outcomes(chunk.number) if chunk.state.value == "done" else None
        chunks.append(known)
    return chunks, set(manifest.session_ids), dict(manifest.notes)


def reopened(path: Path) -> Any:
    with Manifest(path, API) as manifest:
        return seen(manifest)


def modelled(calls: list[Call]) -> Model:
    model = Model()
    for call in calls:
        model.take(call)
    return model


# Each kind of line, and each way that a chunk can go.
JOURNEY: list[Call] = [
    ("plan", (0, 3, digest(1), 1700000000.25)),
    ("submitted", (0, "job 0")),
    ("note", ("checksum", {"of": "rows.csv", "is": [1, None, "é"]})),
    ("plan", (3, 2, digest(2), 1700000001.5)),
    ("batch", (0, "batch 0")),
    ("not_submitted", (1, "422", {4: "it has no\nname"})),
    ("done", (0, outcomes(3))),
    ("plan_again", (1, digest(3), 1700000002.5)),
    ("not_submitted", (1, "nobody answers", {})),
    ("plan_again", (1, digest(4), 1700000003.5)),
    ("submitted", (1, "job 1")),
    ("plan", (5, 1, digest(5), 1700000004.5)),
    ("not_submitted", (2, "422", {5: "never"})),
    ("done", (2, outcomes(1))),
    ("done", (1, outcomes(2))),
    ("note", ("checksum", "another")),
    ("plan", (6, 1, digest(6), 1700000005.5)),
]


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start the script beside this file in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "manifest.child", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def run(*arguments: str) -> list[Any]:
    """Run that script to its end: what it prints."""
    with start(*arguments) as process:
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return [json.loads(line) for line in printed.splitlines()]
