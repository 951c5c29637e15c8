"""What all sides send and receive. Standard library only: it is imported in every environment."""

from __future__ import annotations

from typing import Any

TOKEN = "a-token"
START = "10378.1/1955130"
RECORD: dict[str, Any] = {
    "workflow_template_id": "10378.1/1769847",
    "display_name": "Reef temperature, January",
    "description": "Sea surface temperature over the northern reef",
    "inputs": [],
    "outputs": [],
    "associations": {"modeller_id": "10378.1/1955001"},
    "start_time": 1_767_225_600,
    "end_time": 1_767_229_200,
}
REGISTERED: dict[str, Any] = {
    "status": {"success": True, "details": "Registered."},
    "session_id": "41a3ea1c-4ae9-43f8-8f4e-c6e0bd7f6d05",
}
_NODES = {"10378.1/1955130": "ACTIVITY", "10378.1/20": "ENTITY", "10378.1/30": "AGENT"}
LINEAGE: dict[str, Any] = {
    "status": {"success": True, "details": "Explored."},
    "record_count": len(_NODES),
    "graph": {
        "directed": True,
        "multigraph": False,
        "graph": {},
        "nodes": [
            {"id": handle, "item_category": category, "item_subtype": "MODEL_RUN"}
            for handle, category in _NODES.items()
        ],
        "links": [
            {"source": START, "target": "10378.1/20", "type": "used"},
            {"source": START, "target": "10378.1/30", "type": "wasAssociatedWith"},
        ],
    },
}
