"""A state file holds what a sandbox was left with, and not what its seed says."""

from __future__ import annotations

from pathlib import Path

import httpx
from sandbox.caller import JOBS, Caller, record_of, run_of

from prov_facade.sandbox import Sandbox


def test_a_sandbox_goes_on_where_it_was_left(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with Sandbox(state=state) as sandbox:
        ann = Caller(sandbox, "ann")
        changed, deleted = sandbox.items("MODEL_RUN")[:2]
        record = record_of(sandbox, display_name="Changed")
        update = {"model_run_id": changed.id, "reason": "A test.", "record": record}
        session_id = ann.started("/model_run/update", update)
        done = ann.ended(session_id)
        ann.post("/model_run/delete", {"record_id": deleted.id}).raise_for_status()
        first = ann.registered(record)
        token, items = sandbox.token("read", username="ann"), sandbox.items()

    with Sandbox(state=state) as sandbox:
        assert sandbox.items() == items
        assert run_of(sandbox, changed.id).display_name == "Changed"
        bob = Caller(sandbox, "bob")
        empty = bob.get("/explore/upstream", starting_id=deleted.id).json()
        assert empty["record_count"] == 0
        second = bob.registered(record)
        assert second not in {item.id for item in items}
        links = bob.get("/explore/upstream", starting_id=first, depth=1).json()["graph"]["links"]
        again = bob.get("/explore/upstream", starting_id=second, depth=1).json()["graph"]["links"]
        assert len(links) == len(again) > 0
        # Who has a token keeps it, and finds the old jobs.
        answer = httpx.get(
            f"{sandbox.url}{JOBS}/fetch",
            params={"session_id": session_id},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.json() == {"job": done}
