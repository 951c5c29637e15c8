"""What is held, and what is done to it: model runs lodged, changed, stored again and reported."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from prov_facade.models import ItemModelRun, ModelRunRecord, ProvenanceRecordInfo
from prov_facade.sandbox import _provenance
from prov_facade.sandbox._jobs import SEALED, FailedJobError, Job, Jobs, Work
from prov_facade.sandbox._records import BadRecordError, check, graph_of
from prov_facade.sandbox._seed import Seed
from prov_facade.sandbox._store import Item, Store

# Handles that the sandbox mints are above those of its seed.
_FIRST_HANDLE = 2_000_001


class Registry:
    """The items of a store, and how model runs come into it.

    Args:
        store: Where they are kept.
        report_url: Makes the address at which the report of a job is fetched.
    """

    def __init__(self, store: Store, report_url: Callable[[str], str]) -> None:
        self.store = store
        self._report_url = report_url

    def plant(self, seed: Seed) -> None:
        """Put the items and model runs of a seed into an empty store."""
        with self.store.writing():
            self.store.put_items(seed.items)
            for run in seed.model_runs:
                self._put(run.id, run.record, run.owner_username, run.created_timestamp, history=[])

    def lodge(self, record: ModelRunRecord, username: str) -> ProvenanceRecordInfo:
        """Give a model run a handle, and put it into the registry and the graph."""
        with self.store.writing():
            handle = f"10378.1/{self.store.next_number('handle', _FIRST_HANDLE)}"
            return self._put(handle, record, username, int(time.time()), history=[])

    def update(
        self, model_run_id: str, record: ModelRunRecord, reason: str, username: str
    ) -> ProvenanceRecordInfo:
        """Replace the record of a model run; its history keeps every version, the newest first."""
        with self.store.writing():
            old = self.store.item(model_run_id)
            if old is None:
                raise BadRecordError(f"Could not find model run with id {model_run_id}.")
            self.store.remove(model_run_id)
            return self._put(
                model_run_id,
                record,
                old.owner_username,
                old.created_timestamp,
                history=old.body["history"],
                reason=reason,
                changed_by=username,
            )

    def restore(self, items: Iterable[ItemModelRun]) -> None:
        """Store model runs that were complete elsewhere, under their own handles."""
        with self.store.writing():
            for item in items:
                self.store.remove(item.id)
                self._put(
                    item.id,
                    item.record,
                    item.owner_username,
                    item.created_timestamp,
                    history=msgspec.to_builtins(item.history),
                    reason="Stored again.",
                    metadata=item.user_metadata,
                )

    def restore_all(self) -> int:
        """Put every model run of the registry into the graph again."""
        items = self.store.items("MODEL_RUN")
        with self.store.writing():
            for item in items:
                self.store.remove(item.id)
                record = ModelRunRecord.from_dict(item.body["record"])
                self.store.add(item.id, *graph_of(self.store, item.id, record))
        return len(items)

    def report(self, item: Item, depth: int) -> bytes:
        """Make the report of a study or a model run."""
        from prov_facade.sandbox import _reports  # noqa: PLC0415  (python-docx loads slowly)

        return _reports.report(self.store, item, depth, now=int(time.time()))

    def _put(
        self,
        handle: str,
        record: ModelRunRecord,
        owner: str,
        created: int,
        *,
        history: list[Any],
        reason: str = "Initial record creation.",
        changed_by: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> ProvenanceRecordInfo:
        nodes, links = graph_of(self.store, handle, record)
        document = _provenance.prov_document(handle, record, links, nodes)
        changed = int(time.time()) if history else created
        version = {
            "display_name": record.display_name,
            "record_status": "LODGED",
            "record": msgspec.to_builtins(record),
            "prov_serialisation": document,
            "user_metadata": metadata,
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
        self.store.add(handle, nodes, links)
        return ProvenanceRecordInfo(id=handle, prov_json=document, record=record)

    def work(self, jobs: Callable[[], Jobs]) -> dict[str, Work]:
        """List what is done for each subtype of job.

        Args:
            jobs: Returns where more jobs are dispatched.
        """

        def checked(record: Any) -> ModelRunRecord:
            found = ModelRunRecord.from_dict(record)
            try:
                check(self.store, found)
            except BadRecordError as error:
                raise FailedJobError(str(error)) from error
            return found

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

        def submit_batch(job: Job) -> dict[str, Any]:
            batch_id = str(uuid.uuid4())
            payloads = [
                {"record": record, "revalidate": True, "user_info": SEALED}
                for record in job.payload["records"]
            ]
            jobs().dispatch(job.username, "PROV_LODGE", "MODEL_RUN_PROV_LODGE", payloads, batch_id)
            return {"batch_id": batch_id}

        def report(job: Job) -> dict[str, Any]:
            item = self.store.item(job.payload["id"])
            if item is None:
                raise FailedJobError(f"Could not find item with id {job.payload['id']}.")
            self.store.put_report(job.session_id, self.report(item, job.payload["depth"]))
            return {"report_url": self._report_url(job.session_id)}

        return {
            "MODEL_RUN_PROV_LODGE": lodge,
            "MODEL_RUN_UPDATE": update,
            "MODEL_RUN_BATCH_SUBMIT": submit_batch,
            "GENERATE_REPORT": report,
        }
