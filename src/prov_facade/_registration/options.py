"""The options of a registration."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from functools import partial
from inspect import iscoroutinefunction

import httpx
from attrs import frozen

from prov_api_client.types import Model, SupportsModelDump
from prov_facade._checks import check_count, check_number
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

    def __attrs_post_init__(self) -> None:
        for name in ("chunk_size", "max_chunk_bytes", "max_concurrent_batches"):
            check_count(name, getattr(self, name), error=partial(_invalid, name))
        name = "recovery_timeout"
        error = partial(_invalid, name)
        check_number(name, self.recovery_timeout, unit="seconds", error=error)
        callback: object = self.on_progress
        if callback is not None and (not callable(callback) or iscoroutinefunction(callback)):
            raise _invalid("on_progress", "on_progress must be a function, and not an async one")
        if not isinstance(self.polling, PollPolicy):
            raise _invalid("polling", "polling must be a PollPolicy")
        if not isinstance(self.resolutions, Mapping):
            raise _invalid("resolutions", "resolutions must be a mapping")


def _invalid(name: str, message: str) -> InvalidRequestError:
    return InvalidRequestError(message, path=f"$.{name}")


def check_records(records: object) -> None:
    """Refuse a single record in place of the iterable of all records.

    Raises:
        InvalidRequestError: If it is a record, text, or cannot be iterated over.
    """
    single = isinstance(records, str | bytes | Mapping | Model | SupportsModelDump)
    if single or not isinstance(records, Iterable | AsyncIterable):
        raise _invalid(
            "records",
            f"records must be an iterable of model runs, not {type(records).__name__}: pass a list",
        )
