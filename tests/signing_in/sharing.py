"""Processes that share tokens: each prints the one that it has in the end."""

from __future__ import annotations

import os
import sys
import time

from prov_facade import APIOverrides, Config, DeviceFlow


def work(auth: DeviceFlow, what: str) -> None:
    if what == "hold":
        with auth._cache().alone():
            print("holds", flush=True)
            time.sleep(60)
    if what == "force_refresh":
        for _ in range(5):
            auth.force_refresh()
    # In one piece, for lines not to mix.
    os.write(1, f"{auth.get_token()}\n".encode())


if __name__ == "__main__":
    address, client_id, what, processes = sys.argv[1:]
    overrides = APIOverrides(keycloak_endpoint_override=address)
    auth = DeviceFlow(Config("prov.test", "r", overrides), client_id)
    children = []
    starting, start = os.pipe()
    for _ in range(int(processes)):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.close(start)
                os.read(starting, 1)  # until all are there
                work(auth, what)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    os.close(start)
    statuses = {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children}
    sys.exit(statuses != {0})
