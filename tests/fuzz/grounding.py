"""Replaces ids in generated requests with existing ones.

Requests generated from a schema contain ids that do not exist, and are rejected. Existing ids let
them reach the code behind that check. Everything else in the requests stays.
"""

from __future__ import annotations

import random
from typing import Any

from fuzz.material import Material

_RECORD = {"workflow_template_id", "inputs", "outputs", "associations"}
_REPORT = {"id", "item_subtype", "depth"}


class Grounding:
    """Changes parts of requests.

    Args:
        material: What exists.
    """

    def __init__(self, material: Material) -> None:
        items = material.items
        self._material = material
        # By parameter or property.
        self._pools: dict[str, list[Any]] = {
            "batch_id": material.batch_ids,
            "csv_file": material.csv_files,
            "model_run_id": items["MODEL_RUN"],
            "pagination_key": material.pagination_keys,
            "record_id": items["MODEL_RUN"],
            "session_id": material.session_ids,
            "starting_id": [item_id for ids in items.values() for item_id in ids],
            "study_id": items["STUDY"],
            "workflow_template_id": items["WORKFLOW_TEMPLATE"],
        }

    def query(self, query: dict[str, Any], choose: random.Random) -> dict[str, Any]:
        """Use existing ids in the parameters of a query."""
        named = self._named(query, choose)
        if query.keys() >= {"model_run_id", "study_id"}:
            # A run with a study cannot be linked to another one.
            named["model_run_id"] = choose.choice(self._material.unlinked)
        return named

    def body(self, body: Any, choose: random.Random) -> Any:
        """Use existing ids in a body, at every depth."""
        if isinstance(body, list):
            return [self.body(inner, choose) for inner in body]
        if not isinstance(body, dict):
            return body
        grounded = {name: self.body(inner, choose) for name, inner in body.items()}
        if grounded.keys() >= _RECORD:
            return self._fulfilling(grounded, choose)
        if grounded.keys() >= _REPORT and grounded["item_subtype"] in ("STUDY", "MODEL_RUN"):
            grounded["id"] = choose.choice(self._material.items[grounded["item_subtype"]])
        return self._named(grounded, choose)

    def _named(self, values: dict[str, Any], choose: random.Random) -> dict[str, Any]:
        return {
            name: choose.choice(self._pools[name]) if name in self._pools and value else value
            for name, value in values.items()
        }

    def _fulfilling(self, record: dict[str, Any], choose: random.Random) -> dict[str, Any]:
        """Change a record so that it matches its workflow template."""
        sound = choose.choice(self._material.records)
        ids = {name: sound[name] for name in (*sorted(_RECORD), "study_id")}
        annotations = {**(record.get("annotations") or {}), **sound["annotations"]}
        return {**record, **ids, "annotations": annotations}


def put_times_in_order(body: Any) -> Any:
    """Order the times of records, which a schema cannot require."""
    if isinstance(body, list):
        return [put_times_in_order(inner) for inner in body]
    if not isinstance(body, dict):
        return body
    ordered = {name: put_times_in_order(inner) for name, inner in body.items()}
    start, end = ordered.get("start_time"), ordered.get("end_time")
    if isinstance(start, int | float) and isinstance(end, int | float) and start > end:
        ordered.update(start_time=end, end_time=start)
    return ordered
