"""A process that shares tokens with others: it waits for a word, uses them, and says which."""

from __future__ import annotations

import sys
import time

from prov_facade import APIOverrides, Config, DeviceFlow

if __name__ == "__main__":
    address, client_id, what = sys.argv[1:]
    overrides = APIOverrides(keycloak_endpoint_override=address)
    auth = DeviceFlow(Config("prov.test", "r", overrides), client_id)
    if what == "hold":
        with auth._cache().alone():
            print("holds", flush=True)
            time.sleep(60)
    print("ready", flush=True)
    sys.stdin.readline()
    if what == "force_refresh":
        for _ in range(5):
            auth.force_refresh()
    print(auth.get_token())
