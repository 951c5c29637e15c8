"""Uses a client, forks, and uses it in both processes; each prints its name if it succeeds."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from clients import TOKEN
from threads.sync_client import client_for

from prov_facade import AuthManager, SyncProvClient

# The timeout of requests: if a thread of the parent holds a lock or a slot at the fork, and the
# child waits for it, the child takes this long.
TIMEOUT = 20.0


def make_calls(client: SyncProvClient, process: str) -> None:
    """Request lineages of different nodes: responses match, unless processes share sockets."""
    names = [f"{process[:3]}/{number:06}" for number in range(20)]
    with ThreadPoolExecutor(5) as threads:
        for name, lineage in zip(names, threads.map(client.explore_upstream, names), strict=True):
            graph: Any = lineage.graph
            assert graph["nodes"][0]["id"] == name, (graph, name)


def fork_and_call(client: SyncProvClient) -> int:
    """Fork; the child makes calls, closes the client, and uses it again."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            start = time.monotonic()
            make_calls(client, "child")
            client.close()
            make_calls(client, "child")
            client.close()
            elapsed = time.monotonic() - start
            assert elapsed < TIMEOUT, f"the child took {elapsed:.1f} s"
            print("child", flush=True)
            code = 0
        except BaseException:  # noqa: BLE001  (os._exit would discard it)
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def assert_exits(child: int) -> None:
    status = os.waitpid(child, 0)[1]
    assert os.waitstatus_to_exitcode(status) == 0, status


def between_calls(url: str) -> None:
    client = client_for(url, timeout=TIMEOUT)
    make_calls(client, "parent")
    child = fork_and_call(client)
    make_calls(client, "parent")
    assert_exits(child)
    make_calls(client, "parent")


def during_calls(url: str) -> None:
    """Other threads, which the child does not have, are making calls at the fork."""
    client, stop = client_for(url, timeout=TIMEOUT), threading.Event()

    def call_until_stopped() -> None:
        while not stop.is_set():
            make_calls(client, "parent")

    with ThreadPoolExecutor(3) as threads:
        futures = [threads.submit(call_until_stopped) for _ in range(3)]
        try:
            time.sleep(0.2)
            children = [fork_and_call(client) for _ in range(2)]
            for child in children:
                assert_exits(child)
        finally:
            stop.set()
        for future in futures:
            future.result()


class SlowRenewal(AuthManager):
    """An auth manager that renews a token slowly, and signals when it starts."""

    def __init__(self) -> None:
        self.number = 0
        self.renewing = threading.Event()
        self.parent = os.getpid()

    def get_token(self) -> str:
        return f"{TOKEN}-{self.number}"

    def force_refresh(self) -> None:
        self.renewing.set()
        if os.getpid() == self.parent:
            time.sleep(1)
        self.number += 1


def during_a_renewal(url: str) -> None:
    manager = SlowRenewal()
    client = client_for(url, auth=manager, timeout=TIMEOUT)
    thread = threading.Thread(target=make_calls, args=(client, "parent"))
    thread.start()
    assert manager.renewing.wait(10)
    child = fork_and_call(client)
    thread.join()
    assert_exits(child)


if __name__ == "__main__":
    address, case = sys.argv[1:]
    globals()[case.replace(" ", "_")](address)
    print("parent", flush=True)
