"""Builds the documentation page on how the client handles faults.

The page is built from the rule that tests/faults/test_matrix.py holds the client to.
"""

from __future__ import annotations

from pathlib import Path

from faults.rule import Expected, expected, faults, is_exception

from prov_api_client import OPERATIONS

PAGE = Path(__file__).parent.parent.parent / "docs" / "faults.md"

_HEAD = """\
<!-- Written by `PYTHONPATH=tests python -m faults` from tests/faults/rule.py: change that. -->

# How the client handles faults

The table shows the outcome of a call if the server does the same on every request and three
attempts are allowed: the name of the error, without its suffix `Error`, or `value` for a call that
succeeds, and the number of requests that the server receives. Tests check every operation of both
clients, `ProvClient` and `SyncProvClient`.

- A call that only **reads** is retried after transient faults. `generate_report` and
  `convert_model_runs_to_csv` read, although they are sent with `POST`.
- A call that **writes** is retried only when the server certainly did not act on the first request:
  when no connection was established, or after a 429. Otherwise, the error says that it is not
  known whether the server acted on the request: check before you send it again.
- A rejected token is renewed once, and the request is repeated once. The repetition does not count
  as an attempt. The call fails only if the new token is also rejected. A 401 for a missing
  role, or a missing right to an item or job, does not concern the token: nothing is renewed.
- The client waits as long as `Retry-After` asks, up to `max_retry_after`. If the server asks for
  more, the call fails at once with that response. Redirects are not followed, except for
  the URL of a report that a job created.
- An empty `text/csv` or `text/plain` body is a valid, empty text: methods that return text return
  `""`, and methods that save a file save an empty one. Any other empty body is an error.
- A failed poll does not end the wait for a job. The next one comes when `Retry-After` asks for it,
  but after `max_retry_after` at the latest.
- `error.attempts` lists the attempts, and the error message counts them.

"""


def page() -> str:
    """Build the page."""
    lines = [_row("", "fault", "reads", "writes"), _row("---", "---", "---", "---")]
    all_faults = faults("http://elsewhere.test")
    for number, fault in enumerate(all_faults, 1):
        lines.append(_row(number, fault.name, _outcome(fault.reads), _outcome(fault.writes)))
    lines.append("\nSome operations are exceptions:\n\n")
    lines += [_row("operation", "fault", "outcome"), _row("---", "---", "---")]
    lines += [
        _row(f"`{operation}`", fault.name, _outcome(expected(fault, operation)))
        for operation in sorted(OPERATIONS)
        for fault in all_faults
        if is_exception(fault, operation)
    ]
    return _HEAD + "".join(lines)


def _outcome(expectation: Expected) -> str:
    name = "value" if expectation.error is None else expectation.error.__name__
    return f"{name.removesuffix('Error')} {expectation.requests}"


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |\n"
