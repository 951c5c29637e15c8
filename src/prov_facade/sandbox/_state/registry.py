"""What is held, and what is done to it: model runs lodged, changed, stored again and reported."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import attrs
import msgspec

from prov_facade.models import ItemModelRun, ModelRunRecord, ProvenanceRecordInfo
from prov_facade.sandbox._state import provenance
from prov_facade.sandbox._state.jobs import SEALED, FailedJobError, Job, Jobs, Work
from prov_facade.sandbox._state.records import BadRecordError, check, graph_of
from prov_facade.sandbox._state.seed import Seed
from prov_facade.sandbox._state.store import Item, Rows, Store

# Handles that the sandbox mints are above those of its seed.
_FIRST_HANDLE = 2_000_001

JOB_SUB_TYPES = (
    "MODEL_RUN_PROV_LODGE",
    "MODEL_RUN_LODGE_ONLY",
    "MODEL_RUN_UPDATE",
    "MODEL_RUN_BATCH_SUBMIT",
    "GENERATE_REPORT",
)
"""The kinds of jobs that there are."""


class Registry:
    """The items of a store, and how model runs come into it.

    Args:
        store: Where they are kept.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def load_seed(self, seed: Seed) -> None:
        """Put the items and model runs of a seed into an empty store."""
        with self.store.writing():
            self.store.put_items(seed.items)
            for run in seed.model_runs:
                self._put(run.id, run.record, run.owner_username, run.created_timestamp, history=[])

    def lodge(self, record: ModelRunRecord, username: str) -> ProvenanceRecordInfo:
        """Give a model run a handle, and put it into the registry and the graph."""
        with self.store.writing():
            # A seed, or a record that was stored, may have taken some.
            while self.store.item(handle := self._next_handle()) is not None:
                pass
            return self._put(handle, record, username, int(time.time()), history=[])

    def _next_handle(self) -> str:
        return f"10378.1/{self.store.next_number('handle', _FIRST_HANDLE)}"

    def update(
        self, model_run_id: str, record: ModelRunRecord, reason: str, username: str
    ) -> ProvenanceRecordInfo:
        """Replace the record of a model run; its history keeps every version, the newest first."""
        with self.store.writing():
            self.register_update(model_run_id, record, reason, username)
            return self.lodge_again(model_run_id)

    def register_update(
        self, model_run_id: str, record: ModelRunRecord, reason: str, username: str
    ) -> None:
        """Replace the record of a model run in the registry alone."""
        with self.store.writing():
            old = self.store.item(model_run_id)
            if old is None:
                raise BadRecordError(f"Could not find model run with id {model_run_id}.")
            self._put_item(
                model_run_id,
                record,
                old.owner_username,
                old.created_timestamp,
                history=old.body["history"],
                reason=reason,
                changed_by=username,
            )

    def lodge_again(self, model_run_id: str) -> ProvenanceRecordInfo:
        """Put a model run into the graph as the registry has it."""
        with self.store.writing():
            item = self.store.item(model_run_id)
            if item is None:
                raise BadRecordError(f"Could not find model run with id {model_run_id}.")
            record = ModelRunRecord.from_dict(item.body["record"])
            self.store.remove(model_run_id)
            self.store.add(model_run_id, *graph_of(self.store, model_run_id, record))
            return ProvenanceRecordInfo(
                id=model_run_id, prov_json=item.body["prov_serialisation"], record=record
            )

    def restore(self, runs: Iterable[ItemModelRun]) -> None:
        """Store model runs that were complete elsewhere, as they are.

        Raises:
            BadRecordError: If one is no model run, or has the id of something else; nothing is
                stored.
        """
        with self.store.writing():
            for run in runs:
                item = _item_of(run)
                old = self.store.item(item.id)
                if not item.id or item.item_subtype != "MODEL_RUN":
                    raise BadRecordError(f"'{item.id}' is a {item.item_subtype} and no model run.")
                if old is not None and old.item_subtype != "MODEL_RUN":
                    raise BadRecordError(f"{item.id} is the id of a {old.item_subtype}.")
                self.store.put_items([item])
                self.lodge_again(item.id)

    def restore_all(self) -> int:
        """Put every model run of the registry into the graph again."""
        items = self.store.items("MODEL_RUN")
        with self.store.writing():
            for item in items:
                self.lodge_again(item.id)
        return len(items)

    def report(self, item: Item, depth: int) -> bytes:
        """Make the report of a study or a model run."""
        from prov_facade.sandbox._state import reports  # noqa: PLC0415  (python-docx loads slowly)

        return reports.report(self.store, item, depth, now=int(time.time()))

    def _put(
        self, handle: str, record: ModelRunRecord, owner: str, created: int, *, history: list[Any]
    ) -> ProvenanceRecordInfo:
        self._put_item(handle, record, owner, created, history=history)
        return self.lodge_again(handle)

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

    def work(self, jobs: Callable[[], Jobs]) -> dict[str, Work]:
        """List what is done for each subtype of job.

        Args:
            jobs: Returns where more jobs are dispatched.
        """

        def checked(record: Any) -> ModelRunRecord:
            found = ModelRunRecord.from_dict(record)
            check(self.store, found)
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

        def lodge_only(job: Job) -> dict[str, Any]:
            info = self.lodge_again(job.payload["model_run_record_id"])
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
            # Where it is fetched depends on who asks: see the handlers.
            return {}

        def failing(work: Work) -> Work:
            def do(job: Job) -> dict[str, Any]:
                try:
                    return work(job)
                except BadRecordError as error:
                    raise FailedJobError(str(error)) from error

            return do

        table: dict[str, Work] = {
            "MODEL_RUN_PROV_LODGE": lodge,
            "MODEL_RUN_LODGE_ONLY": lodge_only,
            "MODEL_RUN_UPDATE": update,
            "MODEL_RUN_BATCH_SUBMIT": submit_batch,
            "GENERATE_REPORT": report,
        }
        return {kind: failing(work) for kind, work in table.items()}


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
