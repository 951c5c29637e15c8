"""A script that signs in, and calls: prints who did, or what was wrong.

Or many of them, as they are ordered line by line, each in a process of its own.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from typing import Any

from prov_facade import APIOverrides, Config, CredentialsError, DeviceFlow, SyncProvClient


def call(prov_api: str, realm: str, settings: Mapping[str, Any]) -> str:
    """Call as somebody who begins again when interrupted."""
    overrides = APIOverrides(prov_api_endpoint_override=prov_api, keycloak_endpoint_override=realm)
    config = Config("prov.test", "r", overrides)
    auth = DeviceFlow(config, "scripts", cache=None, **settings)
    with SyncProvClient(auth, config) as client:
        while True:
            try:
                return client.check_read_access().username
            except CredentialsError as error:
                return str(error)
            except KeyboardInterrupt:
                continue


def work(order: Mapping[str, Any]) -> None:
    """Be a script in a terminal and an environment."""
    os.environ.clear()
    os.environ.update(order["environ"])
    os.dup2(os.open(order["terminal"], os.O_WRONLY | os.O_NOCTTY), 2)
    print(f"{order['name']} is process {os.getpid()}", flush=True)
    prov_api, realm = order["addresses"]
    print(call(prov_api, realm, order["settings"]), flush=True)
    if order["lingers"]:
        # For a browser that is opened by mistake to be seen, however slow it is.
        for thread in threading.enumerate():
            if thread.name == "prov-facade browser":
                thread.join(10)


def serve() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            work(json.loads(line))
            sys.exit()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(f"ended with {status}", flush=True)


if __name__ == "__main__":
    # Where these tests run in the background, Ctrl-C is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.argv[1:]:
        print(call(sys.argv[1], sys.argv[2], {}))
    else:
        serve()
