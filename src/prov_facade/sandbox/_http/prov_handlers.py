"""The operations of the prov-api."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from prov_facade.models import (
    AddStudyLinkResponse,
    ConvertModelRunsResponse,
    GenerateReportRequest,
    GenerateReportResponse,
    HealthCheckResponse,
    ItemModelRun,
    LineageResponse,
    ModelRunRecord,
    PostDeleteGraphResponse,
    PostUpdateModelRunResponse,
    RegisterBatchModelRunRequest,
    RegisterBatchModelRunResponse,
    RegisterModelRunResponse,
    Status,
    StatusResponse,
    SyncRegisterModelRunResponse,
    User,
)
from prov_facade.sandbox._http.calls import (
    HEALTH_MESSAGE,
    WORD,
    Call,
    File,
    Handler,
    RejectedError,
    UnhandledError,
    is_storable,
)
from prov_facade.sandbox._state import csv_reader, csv_writer, graph, lineage
from prov_facade.sandbox._state.csv_columns import CSVError
from prov_facade.sandbox._state.jobs import ENCRYPTED_USER_INFO, Job, Jobs
from prov_facade.sandbox._state.lineage import Direction, Goal, Lineage
from prov_facade.sandbox._state.records import InvalidRecordError, check_record
from prov_facade.sandbox._state.registry import Registry
from prov_facade.sandbox._state.store import Item

# Of the messages that carry jobs on the server.
_MAX_MESSAGE_BYTES = 256 * 1024
_DEFAULT_DEPTH = 2
_DEFAULT_SPECIAL_DEPTH = 4

_DONE = Status(success=True, details="Done.")
_CONVERTED = "Successfully generated model run records. There were {} warnings."
_DISPATCHED = Status(success=True, details="Job dispatched, monitor the session id for the result.")


class ProvHandlers:
    """The operations of the prov-api.

    Args:
        registry: The model runs.
        jobs: The jobs.
        report_style: ``document`` returns reports, ``job`` creates them in jobs.
        links_key: The name of the list of links in a lineage graph.
        max_depth: The maximum number of links that a lineage query may follow.
    """

    def __init__(
        self,
        registry: Registry,
        jobs: Jobs,
        *,
        report_style: str,
        links_key: str,
        max_depth: int,
    ) -> None:
        self._registry = registry
        self._store = registry.store
        self._jobs = jobs
        self._report_style = report_style
        self._links_key = links_key
        self._max_depth = max_depth

    def table(self) -> dict[str, Handler]:
        """Return the handlers by operation id."""
        special = _DEFAULT_SPECIAL_DEPTH
        up, down = Direction.UPSTREAM, Direction.DOWNSTREAM
        return {
            "get_health_check": lambda _: HealthCheckResponse(message=HEALTH_MESSAGE),
            **dict.fromkeys(
                (
                    "check_general_access",
                    "check_read_access",
                    "check_write_access",
                    "check_admin_access",
                ),
                self._user,
            ),
            "register_model_run": self._register,
            "register_batch_model_runs": self._register_batch,
            "register_model_run_sync": self._register_sync,
            "post_update_model_run": self._update,
            "link_model_run_to_study": self._link_to_study,
            "delete_model_run_provenance": self._delete,
            "explore_upstream": self._explorer(up, Goal.ANYWHERE, _DEFAULT_DEPTH),
            "explore_downstream": self._explorer(down, Goal.ANYWHERE, _DEFAULT_DEPTH),
            "get_contributing_datasets": self._explorer(up, Goal.DATASET, special),
            "get_effected_datasets": self._explorer(down, Goal.DATASET, special),
            "get_contributing_agents": self._explorer(up, Goal.AGENT, special),
            "get_effected_agents": self._effected_agents,
            "generate_report": self._report,
            "generate_csv_template": self._csv_template,
            "convert_model_runs_to_csv": self._csv_convert,
            "regenerate_csv_from_model_run_batch": self._csv_regenerate,
            "generate_config_file": self._config,
            "trigger_sentry_debug": lambda _: {"message": "Monitoring is disabled."},
            "store_record": self._store_record,
            "store_multiple_records": self._store_records,
            "store_all_registry_records": self._store_all,
            "clear_graph": self._clear,
        }

    # Access

    @staticmethod
    def _user(call: Call) -> User:
        caller = call.caller
        return User(
            username=caller.username,
            email=caller.email,
            roles=list(caller.roles),
            access_token=caller.token,
        )

    # Model runs

    def _checked(self, body: Any) -> ModelRunRecord:
        record = ModelRunRecord.from_dict(body)
        try:
            check_record(self._store, record)
        except InvalidRecordError as error:
            raise RejectedError(400, str(error)) from error
        return record

    def _dispatch(self, call: Call, sub_type: str, payload: dict[str, Any]) -> str:
        if len(msgspec.json.encode(payload)) > _MAX_MESSAGE_BYTES:
            raise RejectedError(500, "Could not start the job: Invalid parameter: Message too long")
        kind = "REPORT" if sub_type == "GENERATE_REPORT" else "PROV_LODGE"
        payload = {**payload, "user_info": ENCRYPTED_USER_INFO}
        (session_id,) = self._jobs.dispatch(call.caller.username, kind, sub_type, [payload])
        return session_id

    def _model_run(self, item_id: str) -> Item:
        item = self._store.item(item_id)
        if item is None or item.item_subtype != "MODEL_RUN":
            raise RejectedError(400, f"Could not find model run with id {item_id}.")
        return item

    def _register(self, call: Call) -> RegisterModelRunResponse:
        record = msgspec.to_builtins(self._checked(call.body))
        session_id = self._dispatch(
            call, "MODEL_RUN_PROV_LODGE", {"record": record, "revalidate": False}
        )
        return RegisterModelRunResponse(status=_DISPATCHED, session_id=session_id)

    def _register_batch(self, call: Call) -> RegisterBatchModelRunResponse:
        # Records are not checked here: an invalid record fails only its own job.
        batch = msgspec.to_builtins(RegisterBatchModelRunRequest.from_dict(call.body))
        session_id = self._dispatch(call, "MODEL_RUN_BATCH_SUBMIT", batch)
        return RegisterBatchModelRunResponse(status=_DISPATCHED, session_id=session_id)

    def _register_sync(self, call: Call) -> SyncRegisterModelRunResponse:
        record = self._checked(call.body)
        info = self._registry.lodge(record, call.caller.username)
        return SyncRegisterModelRunResponse(status=_DONE, record_info=info)

    def _update(self, call: Call) -> PostUpdateModelRunResponse:
        # Whether the model run exists is checked only by the job.
        record = self._checked(call.body["record"])
        payload = {
            "model_run_record_id": call.body["model_run_id"],
            "updated_record": msgspec.to_builtins(record),
            "reason": call.body["reason"],
            "revalidate": True,
        }
        session_id = self._dispatch(call, "MODEL_RUN_UPDATE", payload)
        return PostUpdateModelRunResponse(session_id=session_id)

    def _link_to_study(self, call: Call) -> AddStudyLinkResponse:
        model_run_id, study_id = call.query["model_run_id"], call.query["study_id"]
        item = self._model_run(model_run_id)
        study = self._store.item(study_id)
        if study is None or study.item_subtype != "STUDY":
            raise RejectedError(400, f"Could not find study with id {study_id}.")
        record = item.body["record"]
        if record.get("study_id") is not None:
            raise RejectedError(400, f"Model run {model_run_id} is already linked to a study.")
        record = ModelRunRecord.from_dict({**record, "study_id": study_id})
        reason = f"Linked to study {study_id}."
        self._registry.update_registry(model_run_id, record, reason, call.caller.username)
        payload = {
            "model_run_record_id": model_run_id,
            "record": msgspec.to_builtins(record),
            "revalidate": False,
        }
        return AddStudyLinkResponse(
            status=_DISPATCHED,
            model_run_id=model_run_id,
            study_id=study_id,
            session_id=self._dispatch(call, "MODEL_RUN_LODGE_ONLY", payload),
        )

    def _delete(self, call: Call) -> PostDeleteGraphResponse:
        record_id = call.body["record_id"]
        self._model_run(record_id)
        with self._store.transaction():
            diff = graph.removal_diff(self._store, record_id)
            if not call.body.get("trial_mode", False):
                graph.remove(self._store, record_id)
        return PostDeleteGraphResponse(diff=diff)

    # Lineage

    def _explorer(self, direction: Direction, goal: Goal, default: int) -> Handler:
        def explore(call: Call) -> LineageResponse:
            start, depth = self._start(call, default)
            return self._lineage(lineage.explore(self._store, start, depth, direction, goal))

        return explore

    def _effected_agents(self, call: Call) -> LineageResponse:
        start, depth = self._start(call, _DEFAULT_SPECIAL_DEPTH)
        return self._lineage(lineage.effected_agents(self._store, start, depth))

    def _start(self, call: Call, default: int) -> tuple[str, int]:
        start, depth = call.query["starting_id"], call.query["depth"]
        depth = depth or default  # like the server, treat 0 as unset
        if depth > self._max_depth:
            raise RejectedError(
                400, f"Depth provided is in excess of depth maximum: {self._max_depth}."
            )
        if self._store.item(start) is None:
            raise RejectedError(500, f"The provided id {start} was not a valid registry item.")
        if depth < 0:
            raise RejectedError(500, f"The graph store rejects the depth {depth}.")
        return start, depth

    def _lineage(self, found: Lineage) -> LineageResponse:
        nodes = [
            {"id": node.id, "item_category": node.item_category, "item_subtype": node.item_subtype}
            for node in found.nodes
        ]
        links = [
            {"source": link.source, "target": link.target, "type": link.relation}
            for link in found.links
        ]
        return LineageResponse(
            status=Status(success=True, details="Successfully explored the lineage."),
            record_count=len(nodes),
            graph={
                "directed": True,
                "multigraph": False,
                "graph": {},
                "nodes": nodes,
                self._links_key: links,
            },
        )

    def _report(self, call: Call) -> GenerateReportResponse | File:
        request = GenerateReportRequest.from_dict(call.body)
        if self._report_style == "job":
            # The item is checked only by the job.
            payload = msgspec.to_builtins(request)
            return GenerateReportResponse(
                session_id=self._dispatch(call, "GENERATE_REPORT", payload)
            )
        try:
            item = self._registry.reportable(request.id, request.item_subtype)
        except InvalidRecordError as error:
            raise RejectedError(400, str(error)) from error
        return File(self._registry.report(item, request.depth), WORD, "report.docx")

    # CSV

    def _csv_template(self, call: Call) -> File:
        template_id = call.query["workflow_template_id"]
        return _csv_file(lambda: csv_writer.template(self._store, template_id), "test.csv")

    def _csv_convert(self, call: Call) -> ConvertModelRunsResponse:
        try:
            text = call.file.decode("utf-8")
        except UnicodeDecodeError as error:
            raise RejectedError(400, "The CSV file is not encoded in UTF-8.") from error
        try:
            converted = csv_reader.convert(self._store, text)
        except CSVError as error:
            raise RejectedError(400, str(error)) from error
        return ConvertModelRunsResponse(
            status=Status(success=True, details=_CONVERTED.format(len(converted.warnings))),
            new_records=converted.new_records,
            existing_records=converted.existing_records,
            warnings=converted.warnings,
        )

    def _csv_regenerate(self, call: Call) -> File:
        batch_id = call.query["batch_id"]
        jobs = self._jobs.of_batch(batch_id)
        if not jobs or self._jobs.batch_is_shared(batch_id, call.caller.username):
            raise UnhandledError
        rows = [_batch_row(job) for job in jobs]
        try:
            return _csv_file(lambda: csv_writer.regenerate(self._store, rows), "model_runs.csv")
        except OverflowError as error:  # a time that is not a date
            raise UnhandledError from error

    # Administration

    def _config(self, call: Call) -> File:
        lines = ["keycloak_endpoint=", "domain_base=sandbox.localhost", "stage=SANDBOX"]
        if not call.query["required_only"]:
            lines += [
                f"depth_upper_limit={self._max_depth}",
                f"depth_default_limit={_DEFAULT_DEPTH}",
            ]
        return File("\n".join(lines).encode(), "text/plain", "config.txt")

    def _store_record(self, call: Call) -> StatusResponse:
        return self._restore([call.body], validate=call.query["validate_record"])

    def _store_records(self, call: Call) -> StatusResponse:
        return self._restore(call.body, validate=call.query["validate_record"])

    def _restore(self, bodies: list[Any], *, validate: bool) -> StatusResponse:
        records = [ItemModelRun.from_dict(body) for body in bodies]
        for item in records:
            if not (is_storable(item.created_timestamp) and is_storable(item.updated_timestamp)):
                raise RejectedError(400, f"A timestamp of {item.id} is out of range.")
            if validate:
                self._checked(msgspec.to_builtins(item.record))
        try:
            self._registry.restore(records)
        except InvalidRecordError as error:
            raise RejectedError(400, str(error)) from error
        done = f"Stored {len(records)} records{'' if validate else ' without validation'}."
        return StatusResponse(status=Status(success=True, details=done))

    def _store_all(self, _: Call) -> StatusResponse:
        count = self._registry.restore_all()
        return StatusResponse(status=Status(success=True, details=f"Stored {count} records."))

    def _clear(self, _: Call) -> StatusResponse:
        graph.clear(self._store)
        return StatusResponse(status=_DONE)


def _csv_file(make: Callable[[], str], name: str) -> File:
    try:
        content = make()
    except CSVError as error:
        raise RejectedError(error.status, str(error)) from error
    return File(content.encode(), "text/csv", name)


def _batch_row(job: Job) -> csv_writer.BatchRow:
    result = job.result or {}
    return csv_writer.BatchRow(
        record=ModelRunRecord.from_dict(job.payload["record"]),
        job_id=job.session_id,
        job_status=job.status,
        model_run_record_id=result.get("record", {}).get("id"),
        error_info=job.info,
    )
