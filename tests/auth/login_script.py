"""A script that signs in and makes a call. It prints the user name, or the error."""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import Any

from prov_facade import APIOverrides, Config, CredentialsError, DeviceFlow, SyncProvClient


def call(prov_api: str, realm: str, settings: dict[str, Any]) -> str:
    """Make a call, and make it again when interrupted."""
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


if __name__ == "__main__":
    # Processes in the background of a shell ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    prov_api, realm, *more = sys.argv[1:]
    options = json.loads(more[0]) if more else {}
    waits_for_browser = options.pop("waits_for_browser", False)
    print(call(prov_api, realm, options), flush=True)
    if waits_for_browser:
        for thread in threading.enumerate():
            if thread.name == "prov-facade browser":
                thread.join(10)
