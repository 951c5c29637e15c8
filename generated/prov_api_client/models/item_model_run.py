# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `ItemModelRun` schema."""

from __future__ import annotations

from attrs import define

from ..types import Model
from .history_entry_model_run_domain_info import HistoryEntryModelRunDomainInfo
from .item_category import ItemCategory
from .item_sub_type import ItemSubType
from .model_run_record import ModelRunRecord
from .record_type import RecordType
from .versioning_info import VersioningInfo
from .workflow_links import WorkflowLinks
from .workflow_run_completion_status import WorkflowRunCompletionStatus


@define
class ItemModelRun(Model):
    """A model run as the registry holds it.

    Attributes:
        display_name: Name of the run, for people to read.
        record_status: How far the record has come.
        record: The record of the run.
        prov_serialisation: The PROV document of the run, as JSON text.
        history: The versions of the item so far.
        id: Handle of the model run.
        owner_username: Login name of the item's owner.
        created_timestamp: When the item was created, in Unix seconds.
        updated_timestamp: When the item was last changed, in Unix seconds.
        record_type: Whether the item is complete.
        user_metadata: Values that users attached to the item, by their key.
        item_category: Category of the item. A model run is an activity.
        item_subtype: Subtype of the item.
        workflow_links: The jobs that accompany the item's life.
        versioning_info: The item's place in a chain of versions.
    """

    display_name: str
    record_status: WorkflowRunCompletionStatus
    record: ModelRunRecord
    prov_serialisation: str
    history: list[HistoryEntryModelRunDomainInfo]
    id: str
    owner_username: str
    created_timestamp: int
    updated_timestamp: int
    record_type: RecordType
    user_metadata: dict[str, str] | None = None
    item_category: ItemCategory = ItemCategory.ACTIVITY
    item_subtype: ItemSubType = ItemSubType.MODEL_RUN
    workflow_links: WorkflowLinks | None = None
    versioning_info: VersioningInfo | None = None
