"""Every model of the requests and responses.

The models are attrs classes. Optional fields are ``None`` when they are not set. Each has
``from_dict`` and ``to_dict``; enumerations accept values that this version has no name for.
"""

from __future__ import annotations

from prov_api_client import models as _models
from prov_api_client.models import *  # noqa: F403  (the names are those of the OpenAPI document)

__all__ = []
__all__ += _models.__all__
