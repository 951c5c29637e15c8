"""Processes that share cached tokens: each prints its last token."""

from __future__ import annotations

import os
import sys
import time

from prov_facade import APIOverrides, Config, DeviceFlow


def hold(auth: DeviceFlow) -> None:
    """Hold the lock until killed."""
    with auth._open_cache().lock():
        print("holds", flush=True)
        time.sleep(60)


def work(auth: DeviceFlow, what: str) -> None:
    if what == "force_refresh":
        for _ in range(5):
            auth.force_refresh()
    # A single write, so that lines are not interleaved.
    os.write(1, f"{auth.get_token()}\n".encode())


def share(auth: DeviceFlow, what: str, processes: int) -> bool:
    """Run processes that start work at the same time, and return whether all succeeded."""
    children = []
    starting, start = os.pipe()
    for _ in range(processes):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.close(start)
                os.read(starting, 1)  # returns when all have been started
                work(auth, what)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    os.close(start)
    statuses = {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children}
    return statuses == {0}


if __name__ == "__main__":
    address, client_id, what, count = sys.argv[1:]
    overrides = APIOverrides(keycloak_endpoint_override=address)
    flow = DeviceFlow(Config("prov.test", "r", overrides), client_id)
    if what == "hold":
        hold(flow)
    sys.exit(not share(flow, what, int(count)))
