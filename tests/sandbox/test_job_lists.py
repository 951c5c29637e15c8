"""The lists of jobs in the job-api: whose jobs they contain, and their pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sandbox.caller import JOBS, Caller, Clock, record_of

from prov_facade.sandbox import JobDelays, Sandbox
from prov_facade.sandbox._state import jobs as _jobs

MANY = 12  # more than a page holds by default


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def batch_id(shared: Sandbox) -> str:
    """The id of a batch submitted by Ann."""
    ann = Caller(shared, "ann")
    batch_id = ann.register_batch([record_of(shared, display_name=f"Run {n}") for n in range(MANY)])
    ann.wait_for_jobs(MANY, batch_id)
    return batch_id


def names(jobs: list[Any]) -> list[str]:
    """The names of the runs in a list of jobs."""
    return [job["payload"]["record"]["display_name"] for job in jobs]


def test_users_see_only_their_own_jobs(shared: Sandbox, batch_id: str) -> None:
    ann, bob = Caller(shared, "ann"), Caller(shared, "bob", "read", "write")
    bobs = bob.start_job("/model_run/register", record_of(shared))
    bob.wait_for_job(bobs)
    anns = ann.start_job("/model_run/register", record_of(shared))
    ann.wait_for_job(anns)

    assert [job["session_id"] for job in bob.list_jobs(limit=100)[0]] == [bobs]
    of_ann, _ = ann.list_jobs(limit=100)
    assert len(of_ann) == 1 + MANY + 1  # the batch, its records, and the single one
    assert {job["username"] for job in of_ann} == {"ann"}
    for session_id in {job["session_id"] for job in of_ann}:
        refused = bob.fetch_job(session_id)
        assert refused.status_code == 401
        assert refused.json() == {"detail": "Not authorised to view this record."}
    assert ann.fetch_job(bobs).status_code == 401  # even for an administrator

    refused = bob.post(f"{JOBS}/list_batch", {"batch_id": batch_id})
    assert refused.status_code == 401
    detail = "Batch contains items which you do not own. Not authorised."
    assert refused.json() == {"detail": detail}


@pytest.mark.parametrize("of_batch", [True, False], ids=["of a batch", "of a user"])
@pytest.mark.parametrize(
    ("body", "count"),
    [({}, 10), ({"limit": 1}, 1), ({"limit": 7}, 7), ({"limit": 11}, 11), ({"limit": 100}, MANY)],
)
def test_a_page_has_ten_jobs_or_the_requested_number(
    body: dict[str, int], count: int, of_batch: bool, shared: Sandbox, batch_id: str
) -> None:
    ann = Caller(shared, "ann")
    if not of_batch:
        # At least one more than the batch: the job that submitted it.
        everything, _ = ann.list_jobs(limit=1000)
        count = len(everything) if body.get("limit") == 100 else count
    jobs, key = ann.list_jobs(batch_id if of_batch else None, **body)
    assert len(jobs) == count
    assert (key is None) == (body.get("limit") == 100)


def all_pages(caller: Caller, batch_id: str | None, limit: int, count: int) -> list[Any]:
    """Read all pages of a list with a known number of jobs."""
    found, key = caller.list_jobs(batch_id, limit=limit)
    while key is not None:
        page, key = caller.list_jobs(batch_id, limit=limit, pagination_key=key)
        assert page
        found += page
        assert len(found) <= count
    return found


@pytest.mark.parametrize("limit", [1, 5, 6, MANY])
def test_pages_contain_each_job_once(limit: int, shared: Sandbox, batch_id: str) -> None:
    found = all_pages(Caller(shared, "ann"), batch_id, limit, MANY)
    assert sorted(names(found)) == sorted(f"Run {n}" for n in range(MANY))


@pytest.mark.parametrize("limit", [1, 4, 100])
def test_lists_are_newest_first_by_whole_seconds_and_otherwise_in_any_order(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order of registration must not show within a second, since the server has none."""
    clock = Clock()
    monkeypatch.setattr(_jobs, "time", clock)
    clock.now += 10  # after the hidden time of every job
    with Sandbox(delays=JobDelays(hidden=0, pending=3600)) as sandbox:
        caller, sent = Caller(sandbox), []
        for second in range(2):
            for part in range(10):
                clock.now += 1 / 16
                name = f"Run {second}.{part}"
                caller.start_job("/model_run/register", record_of(sandbox, display_name=name))
                sent.append(name)
            clock.now = int(clock.now) + 1
        found = all_pages(caller, None, limit, len(sent))
    times = [job["created_timestamp"] for job in found]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == 2
    assert sorted(names(found)) == sent
    assert names(found) != sent[::-1]


def test_an_unknown_pagination_key_is_a_500(shared: Sandbox, batch_id: str) -> None:
    body = {"batch_id": batch_id, "pagination_key": {"session_id": "elsewhere"}}
    assert Caller(shared, "ann").post(f"{JOBS}/list_batch", body).status_code == 500
