"""Calls of manifest methods, and an independent model of their effect."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from prov_facade._registration.manifest import ChunkState, Manifest, Outcome, StoredRecord

API = "https://prov-api.example.org"
SIZE = 5

# The name of a method and its arguments.
Call = tuple[str, tuple[Any, ...]]

REGISTERED = Outcome("job of record 0", "10378.1/1", None, None)
REFUSED = Outcome(None, None, "it has no\nname", "BadRequestError")


def digest(of: object) -> bytes:
    return sha256(repr(of).encode()).digest()


def records(count: int, of: object = 0) -> list[StoredRecord]:
    """Valid records without an outcome."""
    return [
        StoredRecord(digest((of, index)), digest((of, index, "identity"))) for index in range(count)
    ]


def invalid_record() -> StoredRecord:
    """A record that is never submitted."""
    return StoredRecord(None, None, Outcome(None, None, "$.name: missing", "InvalidRequestError"))


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
            return len(arguments[0]) > 0
        if arguments[0] >= len(self.chunks):
            return False
        chunk = self.chunks[arguments[0]]
        state, count, is_open = chunk["state"], len(chunk["records"]), open_indexes(chunk)
        nothing_left = state == "not submitted" and not is_open
        allowed: dict[str, Callable[[], bool]] = {
            "plan_again": lambda: state == "not submitted",
            "submitted": lambda: state == "submitting" and arguments[1] not in self.session_ids(),
            "not_submitted": lambda: state == "submitting" and set(arguments[2]) <= is_open,
            "batch": lambda: state == "submitted",
            "broken_off": lambda: state == "submitted" and set(arguments[1]) <= is_open,
            "known": lambda: state == "submitted" and set(arguments[1]) <= incomplete(chunk),
            "withdraw": lambda: state == "not submitted" and set(arguments[1]) <= is_open,
            "forget": lambda: state == "done",
            "split": lambda: state == "not submitted" and 0 < arguments[1] < count,
            "done": lambda: (state == "submitted" or nothing_left) and len(arguments[1]) == count,
        }
        return allowed[method]()

    def apply(self, call: Call) -> None:
        assert self.allows(call)
        method, arguments = call
        if method == "plan":
            first = sum(len(chunk["records"]) for chunk in self.chunks)
            self._add(first, arguments[1], "submitting", map(list, arguments[0]))
            return
        chunk = self.chunks[arguments[0]]
        if method == "plan_again":
            chunk |= {"state": "submitting", "planned_at": arguments[1]}
        elif method == "submitted":
            chunk["state"] = "submitted"
            chunk["batches"].append([arguments[1], None])
        elif method == "not_submitted":
            chunk["state"] = "not submitted"
            set_outcomes(chunk, arguments[2])
        elif method == "batch":
            chunk["batches"][-1][1] = arguments[1]
        elif method == "broken_off":
            chunk["state"] = "not submitted"
            started = {index: (job, None, None, None) for index, job in arguments[1].items()}
            set_outcomes(chunk, started)
            if len(arguments) > 2:
                chunk["batches"][-1][1] = arguments[2]
        elif method in ("withdraw", "known"):
            set_outcomes(chunk, arguments[1])
        elif method == "forget":
            chunk["records"] = [[None, None, outcome] for *_, outcome in chunk["records"]]
        elif method == "split":
            kept, others = chunk["records"][: arguments[1]], chunk["records"][arguments[1] :]
            chunk["records"] = kept
            self._add(chunk["first"] + len(kept), chunk["planned_at"], "not submitted", others)
        elif method == "done":
            chunk["state"] = "done"
            set_outcomes(chunk, dict(enumerate(arguments[1], chunk["first"])))

    def _add(self, first: int, at: float, state: str, of: Iterable[list[Any]]) -> None:
        chunk = {"number": len(self.chunks), "first": first, "planned_at": at, "state": state}
        self.chunks.append(chunk | {"records": list(of), "batches": []})

    def copy(self) -> Model:
        return copy.deepcopy(self)

    def session_ids(self) -> set[str]:
        return {session_id for chunk in self.chunks for session_id, _ in chunk["batches"]}

    def state(self) -> Any:
        in_order = sorted(self.chunks, key=lambda chunk: chunk["first"])
        batch_ids = {batch_id for chunk in in_order for _, batch_id in chunk["batches"]}
        return list(map(complete, in_order)), self.session_ids(), batch_ids - {None}


def open_indexes(chunk: dict[str, Any]) -> set[int]:
    """The indexes of the records that the model of a chunk still has to submit."""
    return {
        index
        for index, (digest, _, outcome) in enumerate(chunk["records"], chunk["first"])
        if digest is not None and outcome == (None, None, None, None)
    }


def incomplete(chunk: dict[str, Any]) -> set[int]:
    """The indexes of the records that are neither registered nor failed."""
    return {
        index
        for index, (_, _, outcome) in enumerate(chunk["records"], chunk["first"])
        if outcome[1] is None and outcome[2] is None
    }


def set_outcomes(chunk: dict[str, Any], found: dict[int, Any]) -> None:
    for index, outcome in found.items():
        chunk["records"][index - chunk["first"]][2] = outcome


def complete(chunk: dict[str, Any]) -> dict[str, Any]:
    """The model of a chunk, with everything that follows from it."""
    current = chunk["batches"] if chunk["state"] in ("submitted", "done") else []
    return {
        **copy.deepcopy(chunk),
        "count": len(chunk["records"]),
        "open": open_indexes(chunk),
        "session_id": current[-1][0] if current else None,
    }


def state_of(manifest: Manifest) -> Any:
    """The whole state of a manifest, in the same form as that of the model."""
    chunks = []
    following = 0  # as a registration reads them
    while (chunk := manifest.chunk(following)) is not None:
        names = ["number", "first", "count", "planned_at", "session_id"]
        state: dict[str, Any] = {name: getattr(chunk, name) for name in names}
        state |= {"state": str(chunk.state), "batches": list(map(list, chunk.batches))}
        state["records"] = list(map(list, chunk.records))
        state["open"] = {
            index for index, record in enumerate(chunk.records, chunk.first) if record.is_open
        }
        assert chunk.open_records == [record for record in chunk.records if record.is_open]
        assert type(chunk.state) is ChunkState
        assert all(type(record.outcome) is Outcome for record in chunk.records)
        chunks.append((chunk, state))
        following += chunk.count
    assert list(manifest.chunks(*ChunkState)) == [chunk for chunk, _ in chunks]
    return (
        [state for _, state in chunks],
        set(manifest.session_ids()),
        set(manifest.batch_ids()),
    )


def reopened(path: Path) -> Any:
    with Manifest(path, API) as manifest:
        return state_of(manifest)


# Calls of every method, with every way that a chunk can take.
ALL_TRANSITIONS: list[Call] = [
    # Submitted at the first attempt.
    ("plan", (records(3, 0), 1700000000.25)),
    ("submitted", (0, "job 0")),
    ("plan", (records(2, 1), 1700000001.5)),
    ("batch", (0, "batch 0")),
    ("known", (0, {0: REGISTERED})),
    ("done", (0, outcomes(3))),
    # Submitted again after a refusal, after no response, and with an unknown batch.
    ("not_submitted", (1, "422", {4: REFUSED})),
    ("plan_again", (1, 1700000002.5)),
    ("not_submitted", (1, "no response", {})),
    ("plan_again", (1, 1700000003.5)),
    ("submitted", (1, "job 1")),
    # Completely refused.
    ("plan", (records(1, 2), 1700000004.5)),
    ("not_submitted", (2, "422", {5: REFUSED})),
    ("done", (2, outcomes(1))),
    ("done", (1, outcomes(2))),
    ("forget", (1,)),
    # Broken off with some jobs, and submitted again as a second batch.
    ("plan", ([*records(2, 3), invalid_record(), StoredRecord()], 1700000005.5)),
    ("submitted", (3, "job 3")),
    ("batch", (3, "batch 3")),
    ("broken_off", (3, {7: "job of record 7"}, "batch 3")),
    ("plan_again", (3, 1700000006.5)),
    ("submitted", (3, "job 3, again")),
    ("batch", (3, "batch 3, again")),
    # Broken off without any job, then with all.
    ("plan", (records(2, 4), 1700000007.5)),
    ("submitted", (4, "job 4")),
    ("broken_off", (4, {})),
    ("plan_again", (4, 1700000008.5)),
    ("submitted", (4, "job 4, again")),
    ("broken_off", (4, {10: "job of record 10", 11: "job of record 11"})),
    ("done", (4, outcomes(2))),
    ("done", (3, outcomes(4))),
    # Split, while a chunk follows; the parts go different ways, and one of them is split again.
    ("plan", ([*records(4, 5), StoredRecord(), *records(2, 6)], 1700000009.5)),
    ("plan", (records(2, 7), 1700000010.5)),
    ("not_submitted", (5, "413", {13: REFUSED})),
    ("split", (5, 3)),
    ("plan_again", (5, 1700000011.5)),
    ("submitted", (5, "job 5")),
    ("plan_again", (7, 1700000012.5)),
    ("not_submitted", (7, "413", {})),
    ("withdraw", (7, {15: REFUSED})),
    ("split", (7, 2)),
    ("plan_again", (8, 1700000013.5)),
    ("submitted", (8, "job 8")),
    ("batch", (8, "batch 8")),
    ("broken_off", (8, {17: "job of record 17"})),
    # Split after it has broken off, with the first part complete.
    ("split", (8, 1)),
    ("done", (8, outcomes(1))),
    ("plan_again", (9, 1700000014.5)),
    ("submitted", (9, "job 9")),
    ("done", (9, outcomes(1))),
    ("done", (5, outcomes(3))),
    # The following chunk, and the next one.
    ("submitted", (6, "job 6")),
    ("plan", (records(1, 8), 1700000015.5)),
]


def endless_calls() -> Iterator[Call]:
    """The calls of an endless registration, always the same."""
    number = first = 0
    for step in itertools.count():
        at = step + 0.5
        yield "plan", (records(SIZE, step), at)
        parts = [(number, first, SIZE)]
        if step % 3 == 0:
            refused = {first: REFUSED} if step % 2 else {}
            yield "not_submitted", (number, "422", refused)
            if step % 6 == 0:
                yield "split", (number, 2)
                parts = [(number, first, 2), (number + 1, first + 2, SIZE - 2)]
            for part, _, _ in parts:
                yield "plan_again", (part, at + 0.25)
        for part, _, _ in parts:
            yield "submitted", (part, f"job {part}")
            yield "batch", (part, f"batch {part}")
        if step % 5 == 0:
            part, begin, _ = parts[-1]
            yield "broken_off", (part, {begin + 1: f"job of record {begin + 1}"})
            yield "plan_again", (part, at + 0.5)
            yield "submitted", (part, f"job {part}, again")
            yield "batch", (part, f"batch {part}, again")
        for part, _, count in parts:
            yield "done", (part, outcomes(count))
        number += len(parts)
        first += SIZE
