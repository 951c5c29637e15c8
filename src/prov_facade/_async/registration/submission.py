"""Submits chunks of records, each only once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from prov_api_client.models import RegisterBatchModelRunRequest
from prov_facade import errors
from prov_facade._async.registration.recovery import Recovery
from prov_facade._http.transient import certainly_refused, is_too_large, is_transient
from prov_facade._registration.batch import RecordState, refused_positions, storable_text
from prov_facade._registration.manifest import Chunk, Manifest
from prov_facade._registration.options import RegistrationOptions
from prov_facade._runtime.aio.concurrency import Awaited, run_shielded, sleep

Submit = Callable[[RegisterBatchModelRunRequest], Awaited[str]]
"""Submits a batch of model runs, and returns the session id of its job."""


class Submission:
    """Submits chunks of records, each only once.

    Args:
        submit: Submits a batch.
        recovery: Determines whether a submission without a response reached the server.
        manifest: The manifest.
        options: The options of the registration.
    """

    def __init__(
        self, submit: Submit, recovery: Recovery, manifest: Manifest, options: RegistrationOptions
    ) -> None:
        self._submit = submit
        self._recovery = recovery
        self._manifest = manifest
        self._options = options
        self._reached = False

    async def submit(self, records: list[RecordState], chunk: Chunk | None) -> Chunk:
        """Submit the open records of a chunk once. Those that the server rejects get their errors.

        Args:
            records: The records of the chunk.
            chunk: The chunk, if it is in the manifest already.

        Returns:
            The chunk. If it has a session id, the server has it. Otherwise it has no open record,
            or it is too large for the server.

        Raises:
            ProvError: If it could not be submitted, or if it is unknown whether it was.
        """
        poller = self._options.poller()
        while True:
            sent = [state for state in records if state.is_open]
            chunk = await self._plan(records, chunk)
            if not sent:
                return await self._not_submitted(chunk, "no record is left")
            models = [state.record for state in sent if state.record is not None]
            try:
                session_id = await self._submit(RegisterBatchModelRunRequest(records=models))
                if not session_id or session_id in await run_shielded(self._manifest.session_ids):
                    raise errors.InvalidResponseError(
                        f"{session_id!r} is not the session id of a new job", path="$.session_id"
                    )
            except errors.ProvError as error:
                self._reached |= error.response is not None
                if is_too_large(error):
                    if len(sent) > 1:
                        return await self._not_submitted(chunk, error)
                    sent[0].error = errors.BadRequestError(
                        f"record {sent[0].index} is larger than the server accepts: {error}"
                    )
                    chunk = await self._not_submitted(chunk, error, sent)
                    continue
                if refused := _mark_refused(sent, error):
                    chunk = await self._not_submitted(chunk, error, refused)
                    continue
                found = None
                if not certainly_refused(error):
                    found = await self._recovery.find_job(chunk, error)
                if found is None:
                    chunk = await self._not_submitted(chunk, error)
                    unusable = isinstance(error, errors.InvalidResponseError)
                    transient = unusable or is_transient(error, reached=self._reached)
                    if not transient or poller.is_over:
                        raise
                    poller.last_error = error
                    await sleep(poller.next_wait())
                    continue
                session_id = found
            self._reached = True
            return await run_shielded(self._manifest.submitted, chunk.number, session_id)

    async def _plan(self, records: list[RecordState], chunk: Chunk | None) -> Chunk:
        now = time.time()
        if chunk is not None:
            return await run_shielded(self._manifest.plan_again, chunk.number, now)
        stored = [state.stored for state in records]
        return await run_shielded(self._manifest.plan, stored, now)

    async def _not_submitted(
        self, chunk: Chunk, reason: object, refused: Iterable[RecordState] = ()
    ) -> Chunk:
        outcomes = {state.index: state.outcome for state in refused}
        return await run_shielded(
            self._manifest.not_submitted, chunk.number, storable_text(reason), outcomes
        )


def _mark_refused(sent: list[RecordState], error: errors.ProvError) -> list[RecordState]:
    """Assign errors to the records that the server rejects, and return these records.

    Only records that the server names are rejected: an error for a whole batch may come from a
    gateway, and may differ the next time.
    """
    for position, reason in refused_positions(error).items():
        if 0 <= position < len(sent):
            index = sent[position].index
            sent[position].error = errors.BadRequestError(
                f"record {index} was refused by the server: {reason}"
            )
    return [state for state in sent if state.error]
