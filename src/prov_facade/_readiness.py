"""Makes classes that msgspec reads ready for threads, as the generated models are."""

from __future__ import annotations

from prov_api_client.types import prepare

__all__ = ["prepare"]
