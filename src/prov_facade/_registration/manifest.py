"""What has become of each chunk of a long registration, in a file that outlives the process."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType, TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from prov_facade._registration import manifest_events as events
from prov_facade._registration.append_only_file import AppendOnlyFile
from prov_facade._registration.manifest_events import Outcome
from prov_facade._registration.manifest_state import Chunk, ManifestState, State
from prov_facade.errors import ConfigError


class _Place(NamedTuple):
    offset: int
    length: int


class Manifest:
    """What has become of each chunk of a registration, as a context: a file of JSON lines.

    Each method that tells something returns when that is on the disk. Opening the file again, after
    whatever end of the process, gives the same chunks; a line that a crash has broken off was never
    told, and is dropped. What becomes of single records stays in the file, and is read when it is
    asked for: memory grows with the chunks alone.

    The file is locked until the context is left, by a file beside it of the same name and
    ``.lock``, which may stay behind empty. A process that is killed leaves no lock.

    All of it blocks, and none of it is for several threads at once.

    Args:
        path: The file; it is created, for its owner alone, if there is none.
        prov_api: The address of the prov-api that the records go to.

    Raises:
        ConfigError: If the file is in use, is no manifest, is damaged, or belongs to another
            prov-api.
        FileError: If the system refuses it.
    """

    def __init__(self, path: str | os.PathLike[str], prov_api: str) -> None:
        self._ledger = ManifestState()
        self._outcomes: dict[int, _Place] = {}
        self._notes: dict[str, Any] = {}
        self._journal = AppendOnlyFile(path)
        try:
            self._replay(prov_api)
        except BaseException:
            self._journal.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def chunks(self) -> Sequence[Chunk]:
        """The chunks, as they are now, in order."""
        return tuple(self._ledger.chunks)

    @property
    def session_ids(self) -> AbstractSet[str]:
        """The jobs that belong to a chunk."""
        return frozenset(self._ledger.session_ids)

    @property
    def notes(self) -> Mapping[str, Any]:
        """The notes, by their keys."""
        return MappingProxyType(self._notes)

    def close(self) -> None:
        """Close the file, and give it free. A second time does nothing."""
        self._journal.close()

    def plan(self, first: int, count: int, digest: str, at: float) -> Chunk:
        """Tell that the next chunk is about to be submitted, before it is.

        Args:
            first: The index of its first record in the input, where the chunk before ends.
            count: How many records of the input it covers.
            digest: The SHA-256 of what is submitted, in hexadecimal digits.
            at: The time, in Unix time.

        Returns:
            The chunk.

        Raises:
            ValueError: If that cannot be; nothing is written then, as with every method here.
            FileError: If it cannot be written, as with every method here.
        """
        return self._tell(events.Planned(len(self._ledger.chunks), first, count, digest, at))

    def plan_again(self, number: int, digest: str, at: float) -> Chunk:
        """Tell that a chunk which is free is about to be submitted again, before it is.

        Args:
            number: The chunk.
            digest: The SHA-256 of what is submitted, in hexadecimal digits.
            at: The time, in Unix time.

        Returns:
            The chunk.

        Raises:
            ValueError: If the chunk is not free, or all of its records are refused.
        """
        chunk = self._ledger.chunk(number)
        return self._tell(events.Planned(number, chunk.first, chunk.count, digest, at))

    def submitted(self, number: int, session_id: str) -> Chunk:
        """Tell that the server has a chunk. Told again, it changes nothing.

        Args:
            number: The chunk.
            session_id: The job that submits its records.

        Returns:
            The chunk.

        Raises:
            ValueError: If the chunk was not about to be submitted, or the job is another chunk's.
        """
        return self._tell(events.Submitted(number, session_id))

    def not_submitted(self, number: int, reason: str, refused: Mapping[int, str]) -> Chunk:
        """Tell that it is certain that the server has not acted on a chunk.

        Args:
            number: The chunk.
            reason: Why.
            refused: Why the server refuses records for good, by their index in the input. They
                stay refused.

        Returns:
            The chunk.

        Raises:
            ValueError: If the chunk was not about to be submitted, or a record is none of its.
        """
        return self._tell(events.NotSubmitted(number, reason, dict(refused)))

    def batch(self, number: int, batch_id: str) -> Chunk:
        """Tell what the records of a chunk are registered under. Told again, it changes nothing.

        Args:
            number: The chunk.
            batch_id: The batch.

        Returns:
            The chunk.

        Raises:
            ValueError: If the chunk is not submitted, is done, or has another batch.
        """
        return self._tell(events.Batch(number, batch_id))

    def done(self, number: int, outcomes: Sequence[Outcome]) -> Chunk:
        """Tell what has become of the records of a chunk.

        Args:
            number: The chunk.
            outcomes: One for each record of the input that it covers, in order.

        Returns:
            The chunk.

        Raises:
            ValueError: If the chunk is not submitted, though not all of its records are refused,
                or is done already, or the number of outcomes is not that of its records.
        """
        return self._tell(events.Done(number, list(outcomes)))

    def outcomes(self, number: int) -> list[Outcome]:
        """Read what has become of the records of a chunk that is done.

        Args:
            number: The chunk.

        Returns:
            One for each record of the input that it covers, in order.

        Raises:
            ValueError: If the chunk is not done.
            ConfigError: If the file has been changed since.
            FileError: If it cannot be read.
        """
        if self._ledger.chunk(number).state is not State.DONE:
            raise ValueError(f"chunk {number} is not done")
        place = self._outcomes[number]
        line = self._journal.read(*place)
        try:
            event = events.read(line)
        except ValueError as error:
            raise self._unusable(f"at byte {place.offset}", str(error)) from error
        if not isinstance(event, events.Done) or event.chunk != number:
            raise self._unusable(f"at byte {place.offset}", "it has been changed")
        return event.outcomes

    def note(self, key: str, value: Any) -> None:
        """Keep something else, in place of what was kept under that key.

        Args:
            key: The key.
            value: What JSON can hold.

        Raises:
            ValueError: If it is something else.
        """
        self._write(events.Note({key: value}))

    def _tell(self, event: events.ChunkEvent) -> Chunk:
        self._write(event)
        return self._ledger.chunk(event.chunk)

    def _write(self, event: events.Event) -> None:
        try:
            line = msgspec.json.encode(event) + b"\n"
            # As it will be read: what could not be replayed is not written.
            event = events.read(line)
        except (TypeError, RecursionError) as error:
            raise ValueError(str(error)) from error
        if isinstance(event, events.Note):
            self._journal.append(line)
            self._notes.update(event.note)
            return
        chunk = self._ledger.after(event)
        if not self._ledger.holds(chunk):
            self._keep(event, chunk, _Place(self._journal.append(line), len(line)))

    def _replay(self, prov_api: str) -> None:
        number = 0
        torn = None
        for number, (offset, line) in enumerate(self._journal.lines(), start=1):
            if not line.endswith(b"\n") and (number > 1 or events.begins_header(line)):
                torn = offset
                break
            try:
                if number == 1:
                    events.check_header(line, prov_api)
                else:
                    self._take(events.read(line), _Place(offset, len(line)))
            except ValueError as error:
                raise self._unusable(f"line {number}", str(error)) from error
        if torn is not None:
            self._journal.cut(torn)
        if number == 0 or torn == 0:
            self._journal.append(events.header(prov_api))

    def _take(self, event: events.Event, place: _Place) -> None:
        if isinstance(event, events.Note):
            self._notes.update(event.note)
        else:
            self._keep(event, self._ledger.after(event), place)

    def _keep(self, event: events.ChunkEvent, chunk: Chunk, place: _Place) -> None:
        self._ledger.keep(chunk)
        if isinstance(event, events.Done):
            self._outcomes[chunk.number] = place

    def _unusable(self, where: str, reason: str) -> ConfigError:
        return ConfigError(
            f"{str(self._journal.path)!r} is not a manifest that can be used: {where}: {reason}"
        )


__all__ = ["Chunk", "Manifest", "Outcome", "State"]
