"""Many concurrent callers, and a sandbox that is killed while it processes jobs."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import pytest
from python_process import run_python
from sandbox.caller import Caller, record_of

from prov_facade.models import ModelRunRecord, ProvenanceRecordInfo
from prov_facade.sandbox import Sandbox
from prov_facade.sandbox._state.jobs import FailedJobError
from prov_facade.sandbox._state.registry import Registry

CALLERS = 20
RECORDS = 5


def test_concurrent_registrations_are_complete_and_distinct(sandbox: Sandbox) -> None:
    ready = Barrier(CALLERS)
    before = {item.id for item in sandbox.items()}
    callers = [Caller(sandbox, f"user{number}") for number in range(CALLERS)]
    records = [record_of(sandbox, display_name=caller.username) for caller in callers]

    def register(number: int) -> list[str]:
        """Register a run in a job, and another one synchronously."""
        caller, record = callers[number], records[number]
        ready.wait(30)
        session_id = caller.start_job("/model_run/register", record)
        response = caller.post("/model_run/register_sync", record).raise_for_status()
        job = caller.wait_for_job(session_id)
        return [job["result"]["record"]["id"], response.json()["record_info"]["id"]]

    with ThreadPoolExecutor(CALLERS) as threads:
        handles = list(threads.map(register, range(CALLERS)))

    new = {item.id: item for item in sandbox.items() if item.id not in before}
    assert sorted(new) == sorted(handle for pair in handles for handle in pair)
    assert len(new) == 2 * CALLERS
    for caller, pair in zip(callers, handles, strict=True):
        for handle in pair:
            assert new[handle].owner_username == new[handle].display_name == caller.username
        assert len(caller.list_jobs()[0]) == 1
        graph = caller.get("/explore/upstream", starting_id=pair[0], depth=1).json()["graph"]
        assert pair[0] in {link["source"] for link in graph["links"]}


def test_a_failing_job_does_not_affect_others(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run is registered while the registration of another one fails halfway."""
    lodge = Registry.lodge
    lodged, responded = Event(), Event()

    def failing(registry: Registry, record: ModelRunRecord, username: str) -> ProvenanceRecordInfo:
        info = lodge(registry, record, username)
        if username == "ann":
            lodged.set()
            responded.wait(0.5)  # times out, since nobody else can write in the meantime
            raise FailedJobError("Not today.")
        return info

    monkeypatch.setattr(Registry, "lodge", failing)
    before = {item.id for item in sandbox.items()}
    ann, bob = Caller(sandbox, "ann"), Caller(sandbox, "bob")
    anns = ann.start_job("/model_run/register", record_of(sandbox))
    assert lodged.wait(30)
    bobs = bob.start_job("/model_run/register", record_of(sandbox))
    responded.set()
    failed, good = ann.wait_for_job(anns), bob.wait_for_job(bobs)
    assert (failed["status"], failed["info"]) == ("FAILED", "Not today.")
    assert good["status"] == "SUCCEEDED"
    new = {item.id for item in sandbox.items()} - before
    assert new == {good["result"]["record"]["id"]}


# Registers a batch, and kills itself after the nth call of a method, before the call can be
# recorded anywhere. Restarted without a batch, it continues the old one.
SCRIPT = """
import os, signal, sys, time
from prov_facade.sandbox import Sandbox
from prov_facade.sandbox._state.jobs import Jobs
from prov_facade.sandbox._state.registry import Registry
from sandbox.caller import Caller, record_of

state, what, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
owner, name = {"lodge": (Registry, "lodge"), "dispatch": (Jobs, "dispatch")}[what]
done = getattr(owner, name)
left = count

def dying(*arguments):
    global left
    result = done(*arguments)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(owner, name, dying)
sandbox = Sandbox(state=state).start()
if len(sys.argv) > 4:
    caller = Caller(sandbox)
    records = [record_of(sandbox, display_name=f"Run {n}") for n in range(int(sys.argv[4]))]
    caller.post("/model_run/register_batch", {"records": records})
time.sleep(60)
"""


def run_until_killed(state: Path, *arguments: object) -> None:
    """Run a sandbox until it kills itself."""
    done = run_python("-c", SCRIPT, str(state), *map(str, arguments), timeout=120)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.stress
@pytest.mark.parametrize(
    "kills",
    [
        # The second dispatch creates the jobs of the records.
        pytest.param([("dispatch", 2)], id="while a batch is split into jobs"),
        pytest.param([("lodge", 3), ("lodge", 1)], id="twice during a batch"),
    ],
)
def test_a_batch_is_processed_once_despite_kills(
    kills: list[tuple[str, int]], tmp_path: Path
) -> None:
    state = tmp_path / "state.db"
    first, *more = kills
    run_until_killed(state, *first, RECORDS)
    for kill in more:
        run_until_killed(state, *kill)
    with Sandbox(state=state) as sandbox:
        caller = Caller(sandbox)
        jobs = caller.wait_for_jobs(1 + RECORDS)
        (submitted,) = [job for job in jobs if job["job_sub_type"] == "MODEL_RUN_BATCH_SUBMIT"]
        jobs.remove(submitted)
        batch_id = submitted["result"]["batch_id"]
        assert {job["batch_id"] for job in jobs} == {batch_id}
        assert {job["status"] for job in [*jobs, submitted]} == {"SUCCEEDED"}
        made = {
            job["result"]["record"]["id"]: job["payload"]["record"]["display_name"] for job in jobs
        }
        runs = sandbox.items("MODEL_RUN")[-RECORDS:]
        assert {run.id: run.display_name for run in runs} == made
        assert sorted(made.values()) == [f"Run {number}" for number in range(RECORDS)]
        assert len(sandbox.items("MODEL_RUN")) == 30 + RECORDS
        for run in made:
            found = caller.get("/explore/upstream", starting_id=run, depth=1).json()
            assert found["record_count"] > 1
