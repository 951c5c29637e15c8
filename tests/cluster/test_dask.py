"""Cluster workers register model runs through a pickled client."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from cluster import work

from prov_facade import BearerToken, PollPolicy, SyncProvClient
from prov_facade.sandbox import Sandbox

distributed = pytest.importorskip("distributed", reason="Dask is not installed: nox -s dask")
joblib = pytest.importorskip("joblib", reason="joblib is not installed: nox -s dask")

pytestmark = pytest.mark.dask

COUNT = 10_000
PARTITION = 500


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two worker processes that communicate over loopback."""
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=2,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as dask,
    ):
        yield dask


def client_of(sandbox: Sandbox) -> SyncProvClient:
    auth = BearerToken(sandbox.token("read", "write"))
    polling = PollPolicy(interval=0.1, max_interval=2, deadline=600)
    return SyncProvClient(auth, sandbox.config, polling=polling, timeout=120)


def records_of(sandbox: Sandbox, count: int) -> list[dict[str, Any]]:
    record = sandbox.items("MODEL_RUN")[0].body["record"]
    return [{**record, "display_name": f"Run {number}"} for number in range(count)]


def check_lodged_once(sandbox: Sandbox, names: list[str], before: set[str]) -> dict[str, str]:
    """Check that each record is lodged exactly once, and return the handles by name."""
    items = [item for item in sandbox.items("MODEL_RUN") if item.id not in before]
    assert Counter(item.display_name for item in items) == Counter(names)
    with client_of(sandbox) as client:
        jobs = [job for job in client.jobs.list(page_size=500) if job.batch_id is not None]
        submitted = Counter(job.payload["record"]["display_name"] for job in jobs)
        assert submitted == Counter(names)
        assert {job.status for job in jobs} == {"SUCCEEDED"}
        handles = {item.display_name: item.id for item in items}
        data = items[0].body["record"]["inputs"][0]["dataset_id"]
        graph = client.explore_downstream(data, 1).graph or {}
        assert set(handles.values()) <= {node["id"] for node in graph["nodes"]}
    return handles


def test_a_cluster_registers_ten_thousand_runs_exactly_once(cluster: Any, sandbox: Sandbox) -> None:
    before = {item.id for item in sandbox.items("MODEL_RUN")}
    client = client_of(sandbox)
    assert client.get_health_check().message  # opens connections, which are not pickled
    records = records_of(sandbox, COUNT)
    partitions = [records[at : at + PARTITION] for at in range(0, COUNT, PARTITION)]
    futures = [cluster.submit(work.register, client, one, pure=False) for one in partitions]
    registered = [one for future in futures for one in future.result()]
    client.close()
    assert len({process for process, _, _ in registered}) == 2
    handles = check_lodged_once(sandbox, [record["display_name"] for record in records], before)
    assert {name: handle for _, name, handle in registered} == handles
    assert len(registered) == len(set(handles.values())) == COUNT


def test_a_client_can_be_scattered_to_a_cluster(cluster: Any, sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    scattered = cluster.scatter(client, broadcast=True)
    record, *_ = records_of(sandbox, 1)
    handles = cluster.gather([cluster.submit(work.register_one, scattered, record, pure=False)])
    assert handles[0] in {item.id for item in sandbox.items("MODEL_RUN")}
    assert pickle.loads(pickle.dumps(client))._config == client._config  # noqa: S301


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_joblib_registers_each_record_exactly_once(backend: str, sandbox: Sandbox) -> None:
    before = {item.id for item in sandbox.items("MODEL_RUN")}
    client = client_of(sandbox)
    records = records_of(sandbox, 40)
    parts = [records[at : at + 10] for at in range(0, 40, 10)]
    with joblib.parallel_config(backend=backend, n_jobs=2):
        done = joblib.Parallel()(joblib.delayed(work.register)(client, part) for part in parts)
    handles = check_lodged_once(sandbox, [record["display_name"] for record in records], before)
    assert {name: handle for part in done for _, name, handle in part} == handles
