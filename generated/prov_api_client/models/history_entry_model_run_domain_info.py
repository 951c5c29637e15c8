# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `HistoryEntryModelRunDomainInfo` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model
from .model_run_domain_info import ModelRunDomainInfo


@define
class HistoryEntryModelRunDomainInfo(Model):
    """One version in the history of a model run's item.

    Attributes:
        id: Number of the version within the history.
        timestamp: When the version was made, in Unix seconds.
        reason: Why the version was made.
        username: Login name of who made the version.
        item: The item as it was in this version.
    """

    id: int
    timestamp: int
    reason: str
    username: str
    item: ModelRunDomainInfo
