"""Killed and resumed registrations register each record once."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from registration.conftest import NO_DELAYS
from registration.processes import Killer, Work, joined
from registration.registrar import (
    KINDS,
    SEED,
    Kind,
    Registrar,
    Unchecked,
    records,
    registered_names,
    registrar_for,
    submitted_names,
)
from starlette.middleware import Middleware

from prov_facade.sandbox import Fault, JobDelays, Sandbox

COUNT = 20_000
CHUNK = 100
KILLS = 10
SUBMIT = "register_batch_model_runs"
LOST = Fault(drop=True, after=True)
MOMENTS = ("lost", "received", "processed", "responded", "some time", "a write", "at once")


@pytest.fixture
def killer() -> Killer:
    return Killer()


@pytest.fixture
def watched(killer: Killer) -> Iterator[Sandbox]:
    """A sandbox whose submissions the killer sees."""

    class Watched(Unchecked):
        _middleware = (Middleware(killer.middleware),)

    with Watched(seed=SEED, delays=NO_DELAYS, record=False) as sandbox:
        yield sandbox


def last_write(manifest: Path) -> int:
    return manifest.stat().st_mtime_ns if manifest.exists() else 0


@pytest.mark.stress
def test_each_record_is_registered_once_by_a_registration_killed_ten_times(
    watched: Sandbox, killer: Killer, tmp_path: Path
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"the seed is {seed}")
    rng = random.Random(seed)  # noqa: S311 - not for a secret
    # Each moment at least once, in random order, spread over the whole registration.
    moments = [*MOMENTS, *rng.choices(MOMENTS[:4], k=KILLS - len(MOMENTS))]
    rng.shuffle(moments)
    chunks_per_kill = COUNT // CHUNK // KILLS
    killed = 0
    for number, moment in enumerate(moments):
        # Early enough that even the last process is killed before it ends.
        chunk = number * chunks_per_kill + rng.randrange(1, chunks_per_kill // 2)
        kind = KINDS[number % 2]
        work = Work.of(
            watched, kind, COUNT, tmp_path, options={"recovery_timeout": 1, "chunk_size": CHUNK}
        )
        process = work.start()
        print(f"{kind}: {moment}, at submission {chunk} ({killer.seen} were seen)")
        with joined(process):
            if moment in MOMENTS[:4]:
                killer.arm(max(chunk, killer.seen + 1), moment, process.kill)
                process.join(120)
            elif moment == "at once":
                time.sleep(rng.uniform(0, 0.5))
            else:
                while killer.seen < chunk and process.is_alive():
                    time.sleep(0.01)
                if moment == "some time":
                    time.sleep(rng.uniform(0, 0.2))
                else:
                    before = last_write(work.manifest)
                    while last_write(work.manifest) == before and process.is_alive():
                        time.sleep(0.0002)
            process.kill()
        killed += process.exitcode == -signal.SIGKILL
        assert not work.results.exists()
    assert killed == KILLS
    work = Work.of(
        watched, "async", COUNT, tmp_path, options={"recovery_timeout": 1, "chunk_size": CHUNK}
    )
    with joined(work.start()):
        pass
    results = work.read_results()
    assert [one for one in results if one["error"] or not one["handle"]] == []
    assert sorted(one["index"] for one in results) == list(range(COUNT))
    expected = Counter(one["display_name"] for one in records(COUNT))
    assert submitted_names(watched) == expected
    assert registered_names(watched) == expected
    by_handle = {item.id: item.display_name for item in watched.items("MODEL_RUN")}
    assert {one["handle"]: one["name"] for one in results} == by_handle
    assert all(one["name"] == f"Run {one['index']}" for one in results)


@pytest.mark.stress
def test_each_record_is_registered_once_by_runs_killed_at_every_third_event(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The first run is killed at its first event, the next one at its fourth, and so on."""
    event = -2
    options = {"recovery_timeout": 0.1, "chunk_size": 100}
    while not (tmp_path / "results").exists():
        event += 3
        kind = KINDS[event % 2]
        work = Work.of(sandbox, kind, 300, tmp_path, options=options, kill_at_event=event)
        process = work.start()
        with joined(process):
            pass
        assert process.exitcode in (-signal.SIGKILL, 0)
    assert event > 8
    expected = Counter(one["display_name"] for one in records(300))
    assert submitted_names(sandbox) == expected
    assert registered_names(sandbox) == expected
    assert sorted(one["index"] for one in work.read_results()) == list(range(300))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.stress
def test_a_registration_killed_at_any_event_can_be_resumed(
    kind: Kind, registrar: Registrar, sandbox: Sandbox, tmp_path: Path
) -> None:
    event = 0
    killed = True
    expected: Counter[str] = Counter()
    options: dict[str, Any] = {"recovery_timeout": 0.1, "chunk_size": 2}
    while killed:
        event += 1
        folder = tmp_path / str(event)
        folder.mkdir()
        # Different records each time: the jobs of equal ones could not be distinguished.
        first = event * 10
        work = Work.of(sandbox, kind, 4, folder, first=first, options=options, kill_at_event=event)
        process = work.start()
        with joined(process):
            pass
        killed = process.exitcode == -signal.SIGKILL
        result = registrar.many(records(4, first), work.manifest, **options).all_registered(4)
        expected.update(one["display_name"] for one in records(4, first))
        assert registered_names(sandbox) == expected
        assert submitted_names(sandbox) == expected
        handles = {item.id: item.display_name for item in sandbox.items("MODEL_RUN")}
        assert all(handles[str(one.handle)] == one.record["display_name"] for one in result.results)
    assert process.exitcode == 0
    assert event >= 12  # otherwise some events are not detected


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.stress
def test_killed_registrations_on_a_server_that_breaks_off_register_each_record_once(
    seed: int, tmp_path: Path
) -> None:
    """Batches break off and have to be split, jobs appear late, and processes are killed."""
    rng = random.Random(seed)  # noqa: S311 - not for a secret
    too_long = Fault(status=500, body=b'{"detail": "Invalid parameter: Message too long"}')
    delays = JobDelays(hidden=0.05, pending=0, dequeued=0, in_progress=0)
    expected: Counter[str] = Counter()
    killed = 0
    with Sandbox(seed=SEED, delays=delays) as sandbox:
        for number in range(50):
            first = number * 10
            folder = tmp_path / str(number)
            folder.mkdir()
            options: dict[str, Any] = {"recovery_timeout": 0.4, "chunk_size": 4}
            work = Work.of(
                sandbox,
                rng.choice(KINDS),
                8,
                folder,
                first=first,
                options=options,
                kill_at_event=rng.randrange(1, 40),
            )
            sandbox.faults.break_off_batches(
                *rng.choices(range(4), k=2), late=rng.choice([None, 0.1])
            )
            sandbox.faults.add(SUBMIT, *rng.sample([too_long, Fault(delay=0), LOST], k=2))
            process = work.start()
            with joined(process):
                pass
            killed += process.exitcode == -signal.SIGKILL
            registrar = registrar_for(rng.choice(KINDS), sandbox)
            result = registrar.many(records(8, first), work.manifest, **options).all_registered(8)
            sandbox.faults.clear()
            expected.update(one["display_name"] for one in records(8, first))
            assert registered_names(sandbox) == expected
            handles = {item.id: item.display_name for item in sandbox.items("MODEL_RUN")}
            assert all(
                handles[str(one.handle)] == one.record["display_name"] for one in result.results
            )
    assert killed > 25
