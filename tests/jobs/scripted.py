"""Jobs as a raw server tells of them, step by step, and clients that look at them often."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeVar

from driving import Make
from facade.running import TOKEN
from facade.server import Received, Reply, Server, json_reply

from prov_facade import (
    APIOverrides,
    BearerToken,
    Config,
    PollPolicy,
    ProvClient,
    RetryPolicy,
    SupportsAuth,
)
from prov_facade.sandbox import Sandbox

E = TypeVar("E", bound=Exception)

SESSION = "7f0c1a52-1c1e-4c3d-9a64-2f1f5a3f8f11"
UNKNOWN = json_reply({"detail": "Item was not found."}, 400)

OFTEN = PollPolicy(interval=0.01, max_interval=0.03, not_found_grace=30, deadline=30)


def often(**changes: Any) -> PollPolicy:
    """A policy that hardly waits."""
    settings = {"interval": 0.01, "max_interval": 0.03, "not_found_grace": 30, "deadline": 30}
    return PollPolicy(**{**settings, **changes})


def table(status: str, **changes: Any) -> dict[str, Any]:
    """A job, as the job-api lays it out."""
    job = {
        "session_id": SESSION,
        "created_timestamp": 1_760_000_000,
        "username": "ann",
        "batch_id": None,
        "payload": {},
        "job_type": "PROV_LODGE",
        "job_sub_type": "MODEL_RUN_PROV_LODGE",
        "gsi_status": "ok",
        "status": status,
        "info": None,
        "result": {} if status == "SUCCEEDED" else None,
    }
    return {**job, **changes}


def told(status: str, **changes: Any) -> bytes:
    """An answer that tells of a job."""
    answer = {"status": {"success": True, "details": "Found."}, "job": table(status, **changes)}
    return json_reply(answer)


DONE = told("SUCCEEDED")
_WITHOUT_END = 500


class Script:
    """Gives answers, one after the other, and the last one from then on.

    When it is asked without end, the job has succeeded: a test fails then, and does not hang.

    Attributes:
        times: When it was asked, in seconds.
    """

    def __init__(self, *replies: Reply | Callable[[Received], Reply]) -> None:
        self._left = list(replies)
        self.times: list[float] = []

    def __call__(self, request: Received) -> Reply:
        self.times.append(time.monotonic())
        if len(self.times) > _WITHOUT_END:
            return DONE
        answer = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        return answer(request) if callable(answer) else answer

    @property
    def gaps(self) -> list[float]:
        """The times between one question and the next."""
        return [after - before for before, after in pairwise(self.times)]


def config_for(url: str) -> Config:
    """A deployment whose APIs are all at one address."""
    overrides = APIOverrides(prov_api_endpoint_override=url, jobs_service_api_endpoint_override=url)
    return Config("prov.test", "provena", overrides)


def client_of(
    make: Make, server: Server, auth: SupportsAuth | None = None, **settings: Any
) -> ProvClient:
    """A client of a raw server."""
    settings = {"polling": OFTEN, "retries": RetryPolicy.none(), **settings}
    return make(auth or BearerToken(TOKEN), config_for(server.url), **settings)


def client_in(make: Make, sandbox: Sandbox, *roles: str, **settings: Any) -> ProvClient:
    """A client of a sandbox, which may do everything unless roles are named."""
    auth = sandbox.auth(*roles or ("read", "write", "admin"))
    settings = {"polling": OFTEN, "retries": RetryPolicy.none(), **settings}
    return make(auth, sandbox.config, **settings)
