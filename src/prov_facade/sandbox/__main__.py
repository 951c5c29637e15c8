"""``python -m prov_facade.sandbox`` runs a sandbox until Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from prov_facade.sandbox import Sandbox, SeedError, StateError

_ROLES = {"reader": ("read",), "writer": ("read", "write"), "admin": ("read", "write", "admin")}
_WEEK = 7 * 24 * 3600


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m prov_facade.sandbox", description="Run a local prov-api for experiments."
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=0, help="the port; any free port by default")
    parser.add_argument("--state", type=Path, metavar="FILE", help="keep the data in a file")
    parser.add_argument("--seed", type=Path, metavar="FILE", help="the initial data (YAML)")
    parser.add_argument(
        "--report-style",
        choices=("job", "document"),
        default="job",
        help="create reports in jobs, or return them directly",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    sandbox = Sandbox(
        report_style=options.report_style,
        state=options.state,
        seed=options.seed,
        host=options.host,
        port=options.port,
        record=False,
    )
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        sandbox.start()
    except (SeedError, StateError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    except (OSError, OverflowError) as error:
        print(
            f"sandbox: cannot listen on {options.host} port {options.port}: {error}",
            file=sys.stderr,
        )
        return 2
    try:
        _print_instructions(sandbox)
        stopped.wait()
    except BrokenPipeError:  # the reader of standard output has exited
        sys.stdout = sys.stderr
        stopped.wait()
    sandbox.stop()
    print("\nStopped.")
    return 0


def _print_instructions(sandbox: Sandbox) -> None:
    config = sandbox.config
    print(f"The sandbox listens at {sandbox.url}. Ctrl-C stops it.\n")
    for name, roles in _ROLES.items():
        print(f"{name} token:\n{sandbox.token(*roles, expires_in=_WEEK)}\n")
    print("Point a client at it:\n")
    print("    from prov_facade import APIOverrides, BearerToken, Config, ProvClient\n")
    print("    overrides = APIOverrides(")
    print(f"        prov_api_endpoint_override={config.prov_api_endpoint!r},")
    print(f"        jobs_service_api_endpoint_override={config.job_api_endpoint!r},")
    print(f"        keycloak_endpoint_override={config.keycloak_endpoint!r},")
    print("    )")
    print(f"    config = Config({config.domain!r}, {config.realm_name!r}, overrides)")
    print("    client = ProvClient(BearerToken('<a token from above>'), config)", flush=True)


if __name__ == "__main__":
    sys.exit(main())
