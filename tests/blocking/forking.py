"""Uses a client, forks, and uses it in both processes; each prints its name if all is well."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from blocking.calling import client_for
from clients import TOKEN

from prov_facade import AuthManager, SyncProvClient

# What a thread of the parent's has taken, and the child waits for, it waits for as long as this.
PATIENCE = 20.0


def calls(client: SyncProvClient, who: str) -> None:
    """Ask for lineages of different nodes: each gets its own, unless sockets are shared."""
    names = [f"{who[:3]}/{number:06}" for number in range(20)]
    with ThreadPoolExecutor(5) as threads:
        for name, lineage in zip(names, threads.map(client.explore_upstream, names), strict=True):
            graph: Any = lineage.graph
            assert graph["nodes"][0]["id"] == name, (graph, name)


def forked(client: SyncProvClient) -> int:
    """Fork; the child makes calls, closes the client, and uses it again."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            begun = time.monotonic()
            calls(client, "child")
            client.close()
            calls(client, "child")
            client.close()
            took = time.monotonic() - begun
            assert took < PATIENCE, f"the child takes {took:.1f} s"
            print("child", flush=True)
            code = 0
        except BaseException:  # noqa: BLE001  (whatever it is, it would be lost)
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def ends(child: int) -> None:
    status = os.waitpid(child, 0)[1]
    assert os.waitstatus_to_exitcode(status) == 0, status


def between_calls(url: str) -> None:
    client = client_for(url, timeout=PATIENCE)
    calls(client, "parent")
    child = forked(client)
    calls(client, "parent")
    ends(child)
    calls(client, "parent")


def beside_calls(url: str) -> None:
    """Other threads are at it, which the child does not have."""
    client, over = client_for(url, timeout=PATIENCE), threading.Event()

    def calling() -> None:
        while not over.is_set():
            calls(client, "parent")

    with ThreadPoolExecutor(3) as threads:
        working = [threads.submit(calling) for _ in range(3)]
        try:
            time.sleep(0.2)
            children = [forked(client) for _ in range(2)]
            for child in children:
                ends(child)
        finally:
            over.set()
        for done in working:
            done.result()


class Renewing(AuthManager):
    """An auth manager that takes its time to renew a token, and says when it does."""

    def __init__(self) -> None:
        self.number = 0
        self.at_it = threading.Event()
        self.parent = os.getpid()

    def get_token(self) -> str:
        return f"{TOKEN}-{self.number}"

    def force_refresh(self) -> None:
        self.at_it.set()
        if os.getpid() == self.parent:
            time.sleep(1)
        self.number += 1


def beside_a_renewal(url: str) -> None:
    manager = Renewing()
    client = client_for(url, auth=manager, timeout=PATIENCE)
    thread = threading.Thread(target=calls, args=(client, "parent"))
    thread.start()
    assert manager.at_it.wait(10)
    child = forked(client)
    thread.join()
    ends(child)


if __name__ == "__main__":
    address, way = sys.argv[1:]
    globals()[way.replace(" ", "_")](address)
    print("parent", flush=True)
