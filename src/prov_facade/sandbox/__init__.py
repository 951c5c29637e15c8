"""An in-process prov-api and job-api, for experiments and tests.

Needs the extra ``sandbox``: ``pip install "prov-facade[sandbox]"``.
"""

from __future__ import annotations

try:
    from prov_facade.sandbox.server import Sandbox
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"the sandbox needs {error.name}: pip install 'prov-facade[sandbox]'", name=error.name
    ) from error
from prov_facade.sandbox._http.recording import Received
from prov_facade.sandbox._realm.realm import Client, Realm
from prov_facade.sandbox._realm.trust import IssuerError
from prov_facade.sandbox._state.jobs import JobDelays
from prov_facade.sandbox._state.seed import SeedError
from prov_facade.sandbox._state.store import Item, StateError
from prov_facade.sandbox.faults import (
    Fault,
    Faults,
    denied_item,
    expired_token,
    gateway,
    statuses,
    unhandled_error,
)

__all__ = [
    "Client",
    "Fault",
    "Faults",
    "IssuerError",
    "Item",
    "JobDelays",
    "Realm",
    "Received",
    "Sandbox",
    "SeedError",
    "StateError",
    "denied_item",
    "expired_token",
    "gateway",
    "statuses",
    "unhandled_error",
]
