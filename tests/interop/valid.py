"""Values that satisfy the validators of the published models, which no schema contains."""

from __future__ import annotations

from typing import Any

from properties.strategies import JSON, model_values


def valid_values(name: str) -> JSON:
    """Return values that match a schema and that the server accepts."""
    return model_values(name).map(fixed)


def fixed(value: Any) -> Any:
    """Fix values that a validator would reject."""
    if isinstance(value, list):
        return [fixed(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: fixed(item) for key, item in value.items()}
    if "start_time" in value and "end_time" in value:
        value["start_time"], value["end_time"] = sorted((value["start_time"], value["end_time"]))
    if value.get("previous_version") is not None and value.get("reason") is None:
        value["reason"] = "a new version"
    if "history" in value:
        value["history"] = [{**entry, "id": i} for i, entry in enumerate(value["history"])]
    return value
