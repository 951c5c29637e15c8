"""Reads the records of a registration in chunks, by what its manifest knows about them."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Container, Iterable, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from prov_api_client.api.model_run import register_model_run
from prov_facade import errors
from prov_facade._http.requests import validate_request
from prov_facade._registration.batch import RecordState
from prov_facade._registration.manifest import Chunk, ChunkState, Manifest
from prov_facade._registration.options import RegistrationOptions
from prov_facade._registration.recognition import Fingerprint
from prov_facade._runtime.aio.concurrency import each, run_shielded

Part = tuple[list[RecordState], Chunk | None]
"""The records of a chunk; the chunk, if the manifest has it already."""


async def in_order(
    records: Iterable[Any] | AsyncIterable[Any], manifest: Manifest, options: RegistrationOptions
) -> AsyncGenerator[Part, None]:
    """Read records that have the same order in each call.

    Args:
        records: The records.
        manifest: The manifest.
        options: The options of the registration.

    Raises:
        ConfigError: If the records differ from those in the manifest.
    """
    first = 0
    async with aclosing(each(records)) as source:
        held: RecordState | None = None
        while True:
            chunk = await run_shielded(manifest.chunk, first)
            states: list[RecordState] = []
            size = 0
            while len(states) < (options.chunk_size if chunk is None else chunk.count):
                if held is None:
                    try:
                        held = _validated(await anext(source), first + len(states))
                    except StopAsyncIteration:
                        break
                size += _encoded_size(held)
                if chunk is None and states and size > options.max_chunk_bytes:
                    break
                states.append(held)
                held = None
            if chunk is not None:
                _check_same(states, chunk, manifest)
            if not states:
                return
            yield states, chunk
            first += len(states)


async def by_content(
    records: Sequence[Any],
    manifest: Manifest,
    options: RegistrationOptions,
    *,
    saved: Container[str],
    positions: dict[int, int],
) -> AsyncGenerator[Part, None]:
    """Read records that may have been reordered, changed or removed since the last call.

    Args:
        records: The records.
        manifest: The manifest.
        options: The options of the registration.
        saved: Jobs of records whose outcome is known elsewhere: they match no others.
        positions: Filled with the position of each record, by its index in the manifest.
    """
    waiting: dict[bytes | None, deque[int]] = {}
    states = [_validated(record, position) for position, record in enumerate(records)]
    for position, state in enumerate(states):
        waiting.setdefault(state.stored.digest, deque()).append(position)
    for chunk in await run_shielded(_all_chunks, manifest):
        found = []
        for index, stored in enumerate(chunk.records, chunk.first):
            equal = waiting.get(stored.digest) if stored.digest is not None else None
            if equal and stored.outcome.session_id not in saved:
                positions[index] = equal.popleft()
                state = states[positions[index]]
                state.index = index
            else:
                state = _without_record(index, stored.digest, stored.identity)
                # Its outcome was returned before.
                state.reported = chunk.state is ChunkState.DONE
            found.append(state)
        yield found, chunk
    new = deque(sorted(position for positions in waiting.values() for position in positions))
    while new:
        part: list[RecordState] = []
        first = await run_shielded(manifest.next_record)
        size = 0
        while new and len(part) < options.chunk_size:
            state = states[new[0]]
            size += _encoded_size(state)
            if part and size > options.max_chunk_bytes:
                break
            state.index = first + len(part)
            positions[state.index] = new.popleft()
            part.append(state)
        yield part, None


def _all_chunks(manifest: Manifest) -> list[Chunk]:
    return list(manifest.chunks(*ChunkState))


def _without_record(index: int, digest: bytes | None, identity: bytes | None) -> RecordState:
    if digest is None or identity is None:
        return RecordState(index, None)
    return RecordState(index, None, fingerprint=Fingerprint(digest, identity))


def _validated(original: object, index: int) -> RecordState:
    state = RecordState(index, original)
    request: Any = register_model_run.request(body=original)  # type: ignore[arg-type]
    try:
        state.record = validate_request(request).body
    except errors.InvalidRequestError as error:
        operation = request.operation
        error.attach(errors.Call(f"record {index}", operation.method, operation.path))
        state.error = error
    return state


def _check_same(states: list[RecordState], chunk: Chunk, manifest: Manifest) -> None:
    if [state.stored[:2] for state in states] == [stored[:2] for stored in chunk.records]:
        return
    last = chunk.first + chunk.count - 1
    raise errors.ConfigError(
        f"records {chunk.first} to {last} differ from those in the manifest"
        f" {manifest.path!r}: pass the same records in the same order, and new ones after"
        " them, or use another manifest"
    )


def _encoded_size(state: RecordState) -> int:
    return 0 if state.record is None else len(msgspec.json.encode(state.record)) + 1
