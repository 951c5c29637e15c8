"""Lists the user's jobs since a moment, whatever the clocks and the order of the list."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Container
from contextlib import aclosing

from job_api_client.models import JobStatusTable
from prov_facade import errors
from prov_facade._http.raw_responses import raw_responses
from prov_facade._registration.batch import clock_offset

# How long before the moment jobs are listed, in seconds: the clocks may have been set since.
_MAX_CLOCK_SKEW = 3600.0
# How far the clocks of the servers that create jobs may differ, in seconds.
_SERVER_CLOCK_SKEW = 60.0
# How precise the times of jobs and the clock of the server are, in seconds.
_CLOCK_TOLERANCE = 3.0
SEARCH_PAGE_SIZE = 100


async def jobs_since(
    listed: AsyncGenerator[JobStatusTable, None],
    moment: float,
    *,
    end: float,
    known: Container[str] = (),
    earlier: Container[str] = (),
    by_server: bool = False,
) -> AsyncGenerator[tuple[JobStatusTable, bool | None], None]:
    """Iterate over the user's jobs that may have been created since a moment, once each.

    The list is read to its end, unless it turns out to be ordered, newest first.

    Args:
        listed: The user's jobs, from a client that fetches them as they are needed.
        moment: The moment, in Unix time by the clock of this machine.
        end: When to give up, on the monotonic clock.
        known: Jobs to leave out.
        earlier: Those of them that were created before the moment.
        by_server: Whether the moment is by the clock of the servers that create jobs.

    Yields:
        A job, and whether it was created since the moment; ``None`` if the clocks do not tell.

    Raises:
        InvalidResponseError: If the list does not end in time.
        ProvError: If it cannot be read.
    """
    seen: set[str] = set()
    oldest = moment - _MAX_CLOCK_SKEW
    previous: int | None = None
    ascends = descends = False
    with raw_responses() as responses:
        async with aclosing(listed):
            async for job in listed:
                if time.monotonic() > end:
                    raise errors.InvalidResponseError("the list of your jobs does not end")
                del responses[:-1]
                created = job.created_timestamp
                ascends |= previous is not None and created > previous
                descends |= previous is not None and created < previous
                previous = created
                offset = 0.0 if by_server else clock_offset(responses[-1])
                # This machine's clock has been set back, or the server does not show its own.
                unknown = offset is None or (
                    not by_server and moment > time.time() + _CLOCK_TOLERANCE
                )
                if 0 < created < oldest + (offset or 0.0) and not unknown:
                    if descends and not ascends:
                        return
                elif job.session_id in known:
                    if created > 0 and job.session_id in earlier:
                        oldest = max(oldest, created - _SERVER_CLOCK_SKEW - (offset or 0.0))
                elif job.session_id not in seen:
                    seen.add(job.session_id)
                    tolerance = _SERVER_CLOCK_SKEW if by_server else _CLOCK_TOLERANCE
                    since = created >= moment + (offset or 0.0) - tolerance
                    yield job, None if unknown or created <= 0 else since
