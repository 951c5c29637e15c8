"""A Python client for the prov-api, the provenance API of Provena.

:class:`ProvClient` calls its routes, ``ProvClient.admin`` calls the admin routes, and
``ProvClient.jobs`` follows jobs on the server. :class:`SyncProvClient` is the same without
``await``. :func:`connect` and :func:`connect_sync` create clients from environment variables or a
file. The models are in :mod:`prov_facade.models`, the errors in :mod:`prov_facade.errors`.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING

from prov_facade import _exports
from prov_facade._version import __version__

if TYPE_CHECKING:
    from prov_facade import auth as auth
    from prov_facade import config as config
    from prov_facade import endpoints as endpoints
    from prov_facade import errors, models
    from prov_facade import polling as polling
    from prov_facade import retries as retries
    from prov_facade._exports import *  # noqa: F403  (a table of names)

__all__ = ["__version__", "errors", "models"]
__all__ += _exports.__all__

# Without this, Python prints the warnings of the package if logging is not configured.
logging.getLogger("prov_facade").addHandler(logging.NullHandler())

_SUBMODULES = ("auth", "config", "endpoints", "errors", "models", "polling", "retries")

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Load a name on first use: few programs need both clients, or sign in."""
        if name in _SUBMODULES:
            return import_module(f"prov_facade.{name}")
        if name not in _exports.MODULES:
            raise AttributeError(f"module 'prov_facade' has no attribute {name!r}")
        value = getattr(import_module(_exports.MODULES[name]), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        """List all names that can be imported, loaded or not."""
        return sorted({*globals(), *__all__})
