"""A restarted sandbox continues with its state file, not with its seed."""

from __future__ import annotations

from pathlib import Path

from sandbox import http
from sandbox.caller import JOBS, Caller, record_of, run_of

from prov_facade.sandbox import Sandbox


def test_a_sandbox_continues_with_its_state_file(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with Sandbox(state=state) as sandbox:
        ann = Caller(sandbox, "ann")
        changed, deleted = sandbox.items("MODEL_RUN")[:2]
        record = record_of(sandbox, display_name="Changed")
        update = {"model_run_id": changed.id, "reason": "A test.", "record": record}
        session_id = ann.start_job("/model_run/update", update)
        done = ann.wait_for_job(session_id)
        ann.post("/model_run/delete", {"record_id": deleted.id}).raise_for_status()
        first = ann.register(record)
        token, items = sandbox.token("read", username="ann"), sandbox.items()

    with Sandbox(state=state) as sandbox:
        assert sandbox.items() == items
        assert run_of(sandbox, changed.id).display_name == "Changed"
        bob = Caller(sandbox, "bob")
        empty = bob.get("/explore/upstream", starting_id=deleted.id).json()
        assert empty["record_count"] == 0
        second = bob.register(record)
        assert second not in {item.id for item in items}
        links = bob.get("/explore/upstream", starting_id=first, depth=1).json()["graph"]["links"]
        again = bob.get("/explore/upstream", starting_id=second, depth=1).json()["graph"]["links"]
        assert len(links) == len(again) > 0
        # Tokens stay valid, and old jobs can be fetched.
        response = http.get(
            f"{sandbox.url}{JOBS}/fetch",
            params={"session_id": session_id},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert response.json() == {"job": done}
