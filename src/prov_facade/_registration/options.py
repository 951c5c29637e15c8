"""The options of a registration."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import httpx
from attrs import frozen

from prov_facade._registration.batch import BulkProgress
from prov_facade.errors import InvalidRequestError
from prov_facade.polling import PollPolicy


@frozen(kw_only=True)
class RegistrationOptions:
    """How model runs are registered; see :meth:`prov_facade.ProvClient.register_many`.

    Raises:
        InvalidRequestError: If a number is out of range.
    """

    chunk_size: int
    max_concurrent_batches: int
    recovery_timeout: float
    resolutions: Mapping[int, str | None]
    on_progress: Callable[[BulkProgress], object] | None
    polling: PollPolicy
    timeout: float | httpx.Timeout | None

    def __attrs_post_init__(self) -> None:
        for name in ("chunk_size", "max_concurrent_batches"):
            count: object = getattr(self, name)
            if type(count) is not int or count < 1:
                raise _out_of_range(name, "an integer, 1 or more", count)
        seconds: object = self.recovery_timeout
        number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not number or not self.recovery_timeout >= 0:
            raise _out_of_range("recovery_timeout", "a number of seconds, 0 or more", seconds)


def _out_of_range(name: str, expected: str, value: object) -> InvalidRequestError:
    return InvalidRequestError(f"{name} must be {expected}, not {value!r}", path=f"$.{name}")
