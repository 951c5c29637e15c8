"""The lines of a manifest."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

T = TypeVar("T")

_VERSION = 1
_FORMAT = "prov-facade-manifest"
_START = f'{{"{_FORMAT}":'.encode()

_Natural = Annotated[int, Meta(ge=0)]
_Id = Annotated[str, Meta(min_length=1)]


class Outcome(NamedTuple):
    """What has become of a record.

    Attributes:
        session_id: The job that registered it.
        handle: The id that it is registered under.
        error: Why it is not registered.
        error_kind: Of which kind that error is.
    """

    session_id: str | None
    handle: str | None
    error: str | None
    error_kind: str | None


class Planned(Struct, frozen=True):
    """A chunk is about to be submitted, for the first time or again."""

    chunk: _Natural
    first: _Natural
    count: Annotated[int, Meta(ge=1)]
    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    at: float


class Submitted(Struct, frozen=True):
    """A chunk is submitted."""

    chunk: _Natural
    session_id: _Id


class NotSubmitted(Struct, frozen=True):
    """It is certain that the server did not act on a chunk."""

    chunk: _Natural
    not_submitted: str
    refused: dict[int, str]


class Batch(Struct, frozen=True):
    """The batch of a chunk is known."""

    chunk: _Natural
    batch_id: _Id


class Done(Struct, frozen=True):
    """What has become of the records of a chunk is known."""

    chunk: _Natural
    outcomes: list[Outcome]


class Note(Struct, frozen=True):
    """Something else."""

    note: Annotated[dict[str, Any], Meta(min_length=1)]


ChunkEvent = Planned | Submitted | NotSubmitted | Batch | Done
Event = ChunkEvent | Note

_KINDS: tuple[type[Event], ...] = (Planned, Submitted, NotSubmitted, Batch, Done, Note)
# Each kind has keys of its own, all of which are there, and no others.
_DECODERS: dict[frozenset[str], msgspec.json.Decoder[Event]] = {
    frozenset(kind.__struct_fields__): msgspec.json.Decoder(kind) for kind in _KINDS
}
_KEYS = msgspec.json.Decoder(dict[str, Raw])
_ANYTHING: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def read(line: bytes) -> Event:
    """Read a line.

    Args:
        line: The line.

    Returns:
        The event.

    Raises:
        ValueError: If it is none.
    """
    found = _decoded(line, _KEYS)
    decoder = _DECODERS.get(frozenset(found))
    if decoder is None:
        raise ValueError(f"no event has the keys {sorted(found)}")
    return _decoded(line, decoder)


def _decoded(line: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from error


def header(prov_api: str) -> bytes:
    """Make the first line.

    Args:
        prov_api: The address of the prov-api.
    """
    return msgspec.json.encode({_FORMAT: _VERSION, "prov_api": prov_api}) + b"\n"


def begins_header(line: bytes) -> bool:
    """Say whether a line that breaks off may have been to be the first of a manifest."""
    return line.startswith(_START) or _START.startswith(line)


def check_header(line: bytes, prov_api: str) -> None:
    """Refuse a first line of something else.

    Args:
        line: The line.
        prov_api: The address of the prov-api.

    Raises:
        ValueError: If it is not that of a manifest for that prov-api which this version reads.
    """
    found = _decoded(line, _ANYTHING)
    version = found.get(_FORMAT) if isinstance(found, dict) else None
    if type(version) is not int or version < _VERSION:
        raise ValueError("it does not start as a manifest does")
    if version > _VERSION:
        raise ValueError(
            f"a newer prov-facade has written it: its format is {version}, and this one reads"
            f" {_VERSION}"
        )
    if found != {_FORMAT: version, "prov_api": prov_api}:
        raise ValueError(
            f"it is for the prov-api {found.get('prov_api')!r}, and this one is {prov_api!r}"
        )
