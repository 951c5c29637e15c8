"""A Python client for the prov-api, the provenance API of Provena.

:class:`ProvClient` calls its routes, and ``ProvClient.admin`` those for administrators. The models
that they take and return are in :mod:`prov_facade.models`, the errors that they raise in
:mod:`prov_facade.errors`.
"""

from __future__ import annotations

from prov_facade import errors, models
from prov_facade._arguments import ModelLike, SupportsModelDump
from prov_facade._service import ClientService
from prov_facade.admin import ProvAdminClient
from prov_facade.auth import AuthManager, BearerAuth, BearerToken, SupportsAuth
from prov_facade.client import ProvClient
from prov_facade.config import APIOverrides, Config
from prov_facade.endpoints import ProvAPIAdminEndpoints, ProvAPIEndpoints
from prov_facade.errors import *  # noqa: F403  (the tree, as prov_facade.errors lists it)
from prov_facade.models import *  # noqa: F403  (the models, as the OpenAPI document names them)

__version__ = "0.1.0"

__all__ = [
    "APIOverrides",
    "AuthManager",
    "BearerAuth",
    "BearerToken",
    "ClientService",
    "Config",
    "ModelLike",
    "ProvAPIAdminEndpoints",
    "ProvAPIEndpoints",
    "ProvAdminClient",
    "ProvClient",
    "SupportsAuth",
    "SupportsModelDump",
    "__version__",
    "errors",
    "models",
]
__all__ += errors.__all__
__all__ += models.__all__
