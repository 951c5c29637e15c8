"""Submits chunks of records, each only once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from prov_api_client.models import RegisterBatchModelRunRequest
from prov_facade import errors
from prov_facade._async.registration.recovery import NO_JOB, Recovery
from prov_facade._http.transient import is_transient, may_have_arrived
from prov_facade._jobs.poller import Poller
from prov_facade._registration.batch import RecordState, digest, refused_positions, storable_text
from prov_facade._registration.manifest import Chunk, Manifest
from prov_facade._runtime.aio.concurrency import Awaited, run_shielded, sleep
from prov_facade.polling import PollPolicy

Submit = Callable[[RegisterBatchModelRunRequest], Awaited[str]]
"""Submits a batch of model runs, and returns the session id of its job."""


class Submission:
    """Submits chunks of records, each only once.

    Args:
        submit: Submits a batch.
        recovery: Determines whether a submission without a response reached the server.
        manifest: The manifest.
        polling: How long a submission is retried, and how often.
    """

    def __init__(
        self, submit: Submit, recovery: Recovery, manifest: Manifest, polling: PollPolicy
    ) -> None:
        self._submit = submit
        self._recovery = recovery
        self._manifest = manifest
        self._polling = polling

    async def submit(self, records: list[RecordState], chunk: Chunk | None) -> str | None:
        """Submit a chunk once. Records that the server rejects get their errors.

        Args:
            records: The records of the chunk.
            chunk: The chunk, if it is in the manifest already.

        Returns:
            The session id of its job; ``None`` if no record is left to submit.

        Raises:
            ProvError: If it could not be submitted, or if it is unknown whether it was.
        """
        poller = Poller(self._polling)
        while chunk is None or not chunk.all_refused:
            sent = [state for state in records if not state.has_outcome]
            models = [state.record for state in sent if state.record is not None]
            chunk = await self._plan(records, chunk, digest(models))
            if not sent:
                await self._not_submitted(chunk, "no record is left", records)
                return None
            try:
                session_id = await self._submit(RegisterBatchModelRunRequest(records=models))
            except errors.ProvError as error:
                if may_have_arrived(error):
                    found = await self._recovery.find_job(chunk, error)
                    if found is None:
                        chunk = await self._not_submitted(chunk, NO_JOB)
                        if poller.is_over:
                            raise
                        await sleep(poller.next_wait())
                        continue
                    session_id = found
                elif refused := _mark_refused(sent, error):
                    chunk = await self._not_submitted(chunk, error, refused)
                    continue
                else:
                    chunk = await self._not_submitted(chunk, error)
                    if not is_transient(error) or poller.is_over:
                        raise
                    poller.last_error = error
                    await sleep(poller.next_wait())
                    continue
            await run_shielded(self._manifest.submitted, chunk.number, session_id)
            return session_id
        return None

    async def _plan(
        self, records: list[RecordState], chunk: Chunk | None, content_digest: str
    ) -> Chunk:
        now = time.time()
        if chunk is not None:
            return await run_shielded(self._manifest.plan_again, chunk.number, content_digest, now)
        return await run_shielded(self._manifest.plan, len(records), content_digest, now)

    async def _not_submitted(
        self, chunk: Chunk, reason: object, refused: Iterable[RecordState] = ()
    ) -> Chunk:
        reasons = {state.index: storable_text(state.error) for state in refused}
        return await run_shielded(
            self._manifest.not_submitted, chunk.number, storable_text(reason), reasons
        )


def _mark_refused(sent: list[RecordState], error: errors.ProvError) -> list[RecordState]:
    """Assign errors to the records that the server rejects, and return these records.

    Only records that the server names are rejected: an error for a whole batch may come from a
    gateway, and may differ the next time.
    """
    if not isinstance(error, errors.ValidationFailedError):
        return []
    for position, reason in refused_positions(error).items():
        if 0 <= position < len(sent):
            index = sent[position].index
            sent[position].error = errors.BadRequestError(
                f"record {index} was refused by the server: {reason}"
            )
    return [state for state in sent if state.error]
