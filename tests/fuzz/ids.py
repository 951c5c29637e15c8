"""Replaces ids in generated requests with existing ones.

Requests generated from a schema contain ids that do not exist, and are rejected. With existing ids,
they reach the code behind that check. Everything else in the requests is unchanged.
"""

from __future__ import annotations

import random
from typing import Any

from fuzz.content import Content

_RECORD_FIELDS = {"workflow_template_id", "inputs", "outputs", "associations"}
_REPORT_FIELDS = {"id", "item_subtype", "depth"}


class IdReplacer:
    """Replaces ids in requests.

    Args:
        content: The existing ids, records and files.
    """

    def __init__(self, content: Content) -> None:
        items = content.items
        self._content = content
        # By parameter or property.
        self._pools: dict[str, list[Any]] = {
            "batch_id": content.batch_ids,
            "csv_file": content.csv_files,
            "model_run_id": items["MODEL_RUN"],
            "pagination_key": content.pagination_keys,
            "record_id": items["MODEL_RUN"],
            "session_id": content.session_ids,
            "starting_id": [item_id for ids in items.values() for item_id in ids],
            "study_id": items["STUDY"],
            "workflow_template_id": items["WORKFLOW_TEMPLATE"],
        }

    def query(self, query: dict[str, Any], rng: random.Random) -> dict[str, Any]:
        """Use existing ids in the parameters of a query."""
        replaced = self._replace_known(query, rng)
        if query.keys() >= {"model_run_id", "study_id"}:
            # A run with a study cannot be linked to another one.
            replaced["model_run_id"] = rng.choice(self._content.unlinked)
        return replaced

    def body(self, body: Any, rng: random.Random) -> Any:
        """Use existing ids in a body, at every level."""
        if isinstance(body, list):
            return [self.body(inner, rng) for inner in body]
        if not isinstance(body, dict):
            return body
        body = {name: self.body(inner, rng) for name, inner in body.items()}
        if body.keys() >= _RECORD_FIELDS:
            return self._match_template(body, rng)
        if body.keys() >= _REPORT_FIELDS and body["item_subtype"] in ("STUDY", "MODEL_RUN"):
            body["id"] = rng.choice(self._content.items[body["item_subtype"]])
        return self._replace_known(body, rng)

    def _replace_known(self, values: dict[str, Any], rng: random.Random) -> dict[str, Any]:
        return {
            name: rng.choice(self._pools[name]) if name in self._pools and value else value
            for name, value in values.items()
        }

    def _match_template(self, record: dict[str, Any], rng: random.Random) -> dict[str, Any]:
        """Change a record so that it matches its workflow template."""
        valid = rng.choice(self._content.records)
        ids = {name: valid[name] for name in (*sorted(_RECORD_FIELDS), "study_id")}
        annotations = {**(record.get("annotations") or {}), **valid["annotations"]}
        return {**record, **ids, "annotations": annotations}


def order_times(body: Any) -> Any:
    """Order the times of records, which a schema cannot require."""
    if isinstance(body, list):
        return [order_times(inner) for inner in body]
    if not isinstance(body, dict):
        return body
    ordered = {name: order_times(inner) for name, inner in body.items()}
    start, end = ordered.get("start_time"), ordered.get("end_time")
    if isinstance(start, int | float) and isinstance(end, int | float) and start > end:
        ordered.update(start_time=end, end_time=start)
    return ordered
