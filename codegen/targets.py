"""Which document becomes which package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Target:
    """One OpenAPI document and the package that is compiled from it.

    Attributes:
        document: The OpenAPI document, relative to the root of the repository.
        package: The folder of the generated package, relative to the root of the repository.
    """

    document: str
    package: str


TARGETS = (Target(document="openapi/prov-api.yaml", package="generated/prov_api_client"),)
