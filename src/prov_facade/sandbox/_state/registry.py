"""Registers, updates, restores and reports on model runs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import attrs
import msgspec

from prov_facade.models import ItemModelRun, JobSubType, ModelRunRecord, ProvenanceRecordInfo
from prov_facade.sandbox._state import graph, provenance
from prov_facade.sandbox._state.jobs import (
    ENCRYPTED_USER_INFO,
    FailedJobError,
    Job,
    Jobs,
    Processor,
)
from prov_facade.sandbox._state.records import InvalidRecordError, check_record, graph_of
from prov_facade.sandbox._state.seed import Seed
from prov_facade.sandbox._state.store import Item, Rows, Store

# The sandbox creates handles above those of its seed.
_FIRST_HANDLE = 2_000_001
_REPORT_SUBTYPES = ("STUDY", "MODEL_RUN")

JOB_SUB_TYPES = (
    JobSubType.MODEL_RUN_PROV_LODGE,
    JobSubType.MODEL_RUN_LODGE_ONLY,
    JobSubType.MODEL_RUN_UPDATE,
    JobSubType.MODEL_RUN_BATCH_SUBMIT,
    JobSubType.GENERATE_REPORT,
)
"""The subtypes of all jobs; the other ones are internal to a deployment."""


class Registry:
    """Model runs in the registry and in the lineage graph.

    Args:
        store: Contains both.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def load_seed(self, seed: Seed) -> None:
        """Add the items and model runs of a seed to an empty store."""
        with self.store.transaction():
            self.store.put_items(seed.items)
            for run in seed.model_runs:
                self._put(run.id, run.record, run.owner_username, run.created_timestamp, history=[])

    def lodge(self, record: ModelRunRecord, username: str) -> ProvenanceRecordInfo:
        """Add a new model run to the registry and the graph."""
        with self.store.transaction():
            # The handle may exist in the seed or in a restored record.
            while self.store.item(handle := self._next_handle()) is not None:
                pass
            return self._put(handle, record, username, int(time.time()), history=[])

    def _next_handle(self) -> str:
        return f"10378.1/{self.store.next_number('handle', _FIRST_HANDLE)}"

    def update(
        self, model_run_id: str, record: ModelRunRecord, reason: str, username: str
    ) -> ProvenanceRecordInfo:
        """Replace the record of a model run. Its history keeps all versions, newest first."""
        with self.store.transaction():
            self.update_registry(model_run_id, record, reason, username)
            return self.update_graph(model_run_id)

    def update_registry(
        self, model_run_id: str, record: ModelRunRecord, reason: str, username: str
    ) -> None:
        """Replace the record of a model run in the registry, but not in the graph."""
        with self.store.transaction():
            old = self.store.item(model_run_id)
            if old is None or old.item_subtype != "MODEL_RUN":
                raise InvalidRecordError(f"Could not find model run with id {model_run_id}.")
            self._put_item(
                model_run_id,
                record,
                old.owner_username,
                old.created_timestamp,
                history=old.body["history"],
                reason=reason,
                changed_by=username,
            )

    def update_graph(self, model_run_id: str) -> ProvenanceRecordInfo:
        """Replace the nodes and links of a model run with those of its record in the registry."""
        with self.store.transaction():
            item = self.store.item(model_run_id)
            if item is None:
                raise InvalidRecordError(f"Could not find model run with id {model_run_id}.")
            record = ModelRunRecord.from_dict(item.body["record"])
            graph.remove(self.store, model_run_id)
            graph.add(self.store, model_run_id, *graph_of(self.store, model_run_id, record))
            return ProvenanceRecordInfo(
                id=model_run_id, prov_json=item.body["prov_serialisation"], record=record
            )

    def restore(self, runs: Iterable[ItemModelRun]) -> None:
        """Store complete model runs unchanged.

        Raises:
            InvalidRecordError: If one is not a model run, or has the id of an existing item that is
                not a model run; nothing is stored.
        """
        with self.store.transaction():
            for run in runs:
                item = _item_of(run)
                old = self.store.item(item.id)
                if not item.id or item.item_subtype != "MODEL_RUN":
                    raise InvalidRecordError(
                        f"The item '{item.id}' is not a model run with an id: its subtype is"
                        f" {item.item_subtype}."
                    )
                if old is not None and old.item_subtype != "MODEL_RUN":
                    raise InvalidRecordError(
                        f"{item.id} is already the id of an item of subtype {old.item_subtype}."
                    )
                self.store.put_items([item])
                self.update_graph(item.id)

    def restore_all(self) -> int:
        """Update the graph with all model runs of the registry, and return their number."""
        items = self.store.items("MODEL_RUN")
        with self.store.transaction():
            for item in items:
                self.update_graph(item.id)
        return len(items)

    def reportable(self, item_id: str, subtype: str) -> Item:
        """Return an item to report on.

        Raises:
            InvalidRecordError: If it does not exist, or reports do not support it.
        """
        if subtype not in _REPORT_SUBTYPES:
            raise InvalidRecordError(f"Reports are not supported for subtype {subtype}.")
        item = self.store.item(item_id)
        if item is None or item.item_subtype != subtype:
            raise InvalidRecordError(f"Could not find {subtype} with id {item_id}.")
        return item

    def report(self, item: Item, depth: int) -> bytes:
        """Create the report on a study or a model run."""
        from prov_facade.sandbox._state import reports  # noqa: PLC0415  (importing python-docx is slow)

        return reports.report(self.store, item, depth, now=int(time.time()))

    def _put(
        self, handle: str, record: ModelRunRecord, owner: str, created: int, *, history: list[Any]
    ) -> ProvenanceRecordInfo:
        self._put_item(handle, record, owner, created, history=history)
        return self.update_graph(handle)

    def _put_item(
        self,
        handle: str,
        record: ModelRunRecord,
        owner: str,
        created: int,
        *,
        history: list[Any],
        reason: str = "Initial record creation.",
        changed_by: str | None = None,
    ) -> None:
        nodes, links = graph_of(self.store, handle, record)
        changed = int(time.time()) if history else created
        version = {
            "display_name": record.display_name,
            "record_status": "LODGED",
            "record": msgspec.to_builtins(record),
            "prov_serialisation": provenance.prov_document(handle, record, links, nodes),
            "user_metadata": None,
        }
        entry = {
            "id": len(history),
            "timestamp": changed,
            "reason": reason,
            "username": changed_by or owner,
            "item": version,
        }
        item = Item(
            id=handle,
            item_category="ACTIVITY",
            item_subtype="MODEL_RUN",
            display_name=record.display_name,
            owner_username=owner,
            created_timestamp=created,
            updated_timestamp=changed,
            body={**version, "record_type": "COMPLETE_ITEM", "history": [entry, *history]},
        )
        self.store.put_items([item])

    def processors(self, jobs: Callable[[], Jobs]) -> dict[str, Processor]:
        """Return the functions that process jobs, by subtype.

        Args:
            jobs: Returns the jobs, to which the processor of batches adds.
        """

        def checked(record: Any) -> ModelRunRecord:
            converted = ModelRunRecord.from_dict(record)
            check_record(self.store, converted)
            return converted

        def lodge(job: Job) -> dict[str, Any]:
            info = self.lodge(checked(job.payload["record"]), job.username)
            return {"record": msgspec.to_builtins(info)}

        def update(job: Job) -> dict[str, Any]:
            payload = job.payload
            info = self.update(
                payload["model_run_record_id"],
                checked(payload["updated_record"]),
                payload["reason"],
                job.username,
            )
            return {"record": msgspec.to_builtins(info)}

        def lodge_only(job: Job) -> dict[str, Any]:
            info = self.update_graph(job.payload["model_run_record_id"])
            return {"record": msgspec.to_builtins(info)}

        def submit_batch(job: Job) -> dict[str, Any] | FailedJobError:
            batch_id = str(uuid.uuid4())
            payloads = [
                {"record": record, "revalidate": True, "user_info": ENCRYPTED_USER_INFO}
                for record in job.payload["records"]
            ]
            if not payloads:
                raise FailedJobError("The batch contains no records.")
            failed = jobs().dispatch_batch(job.username, payloads, batch_id)
            return {"batch_id": batch_id} if failed is None else failed

        def report(job: Job) -> dict[str, Any]:
            item = self.reportable(job.payload["id"], job.payload["item_subtype"])
            self.store.put_report(job.session_id, self.report(item, job.payload["depth"]))
            # The URL of the report depends on the address that the caller uses: see JobHandlers.
            return {}

        def with_failures(processor: Processor) -> Processor:
            def process(job: Job) -> dict[str, Any] | FailedJobError:
                try:
                    return processor(job)
                except InvalidRecordError as error:
                    raise FailedJobError(str(error)) from error

            return process

        processors = (lodge, lodge_only, update, submit_batch, report)
        return {
            kind: with_failures(processor)
            for kind, processor in zip(JOB_SUB_TYPES, processors, strict=True)
        }


@lru_cache(maxsize=8)
def seeded_rows(seed: Seed) -> Rows:
    """Return the rows of a store that holds a seed. Inserting rows is faster than lodging runs."""
    with Store() as store:
        Registry(store).load_seed(seed)
        return store.rows()


def _item_of(run: ItemModelRun) -> Item:
    body: dict[str, Any] = msgspec.to_builtins(run)
    named = {f.name: body.pop(f.name) for f in attrs.fields(Item) if f.name in body}
    return Item(**{**named, "body": {**body, "display_name": run.display_name}})
