"""The options of a registration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import httpx
from attrs import frozen

from prov_facade._checks import check_callback, check_count, check_number
from prov_facade._jobs.poller import Poller, check_waiting
from prov_facade._registration.batch import BulkProgress
from prov_facade.errors import InvalidRequestError
from prov_facade.polling import PollPolicy


@frozen(kw_only=True)
class RegistrationOptions:
    """The options of a registration; see :meth:`prov_facade.ProvClient.register_many`.

    Raises:
        InvalidRequestError: If an option is invalid.
    """

    chunk_size: int
    max_chunk_bytes: int
    max_concurrent_batches: int
    recovery_timeout: float
    resolutions: Mapping[int, str | None]
    on_progress: Callable[[BulkProgress], object] | None
    polling: PollPolicy
    timeout: float | httpx.Timeout | None
    max_retry_after: float

    def __attrs_post_init__(self) -> None:
        for name in ("chunk_size", "max_chunk_bytes", "max_concurrent_batches"):
            check_count(name, getattr(self, name), error=partial(_invalid, name))
        name = "recovery_timeout"
        error = partial(_invalid, name)
        check_number(name, self.recovery_timeout, unit="seconds", error=error)
        if self.on_progress is not None:
            name = "on_progress"
            check_callback(name, self.on_progress, error=partial(_invalid, name))
        check_waiting(self.polling)
        if not isinstance(self.resolutions, Mapping):
            raise _invalid("resolutions", "resolutions must be a mapping")

    def poller(self) -> Poller:
        """Make a poller for a job, with these options."""
        return Poller(self.polling, max_retry_after=self.max_retry_after)


def _invalid(name: str, message: str) -> InvalidRequestError:
    return InvalidRequestError(message, path=f"$.{name}")
