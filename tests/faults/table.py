"""The page of the documentation that says what the client makes of each fault."""

from __future__ import annotations

import re
from pathlib import Path

from faults.kinds import WRITES
from faults.playing import Outcome, Player

from prov_api_client import OPERATIONS

PAGE = Path(__file__).parent.parent.parent / "docs" / "faults.md"

_HEAD = """\
<!-- Written by `PYTHONPATH=tests python -m faults`, from a run of tests/faults: change that. -->

# What the client makes of faults

Each operation was called while a server did each of the things below, always the same one; the
client was allowed three attempts in all. The numbers are the requests that the server saw. All of
this was done with both clients, `ProvClient` and `SyncProvClient`, and the same came of it.

- A call that only **reads** is tried again after faults that pass. `generate_report` and
  `convert_model_runs_to_csv` read, although they are sent with `POST`.
- A call that **writes** is tried again only when it is certain that the server did not act on the
  first request: when no connection came about, or after a 429. Otherwise its error says that
  nobody knows whether the server acted on it: look, before you send it again.
- A token that is refused is renewed once, and the request repeated once. That is no attempt of
  its own, and no fault to you unless the new token is refused as well.
- `Retry-After` is kept to, up to `max_retry_after`; if the server asks for more, its answer is
  the outcome at once. Redirects are never followed.
- `error.attempts` lists the attempts, and the message of the error names them.

"""

_KEY = """\

## Operation by operation

The columns are the faults above, by number. The names are those of the errors, without `Error` at
the end; `value` is a call that succeeds. Operations that write are **bold**.

"""


# In messages: ports, times, and the words of the system for a connection that fails, of which
# asyncio has others, or none.
_VARIES = re.compile(r"(?<=127\.0\.0\.1):\d+|\d+(\.\d)? s| \([^()]+\)(?=\.)")


def page(player: Player, other: Player) -> str:
    """Lay out the page.

    Args:
        player: What plays the faults to one client.
        other: What plays them to the other one.

    Raises:
        AssertionError: If the clients do not do the same, which the page says that they do.
    """
    for operation in OPERATIONS:
        for one, same in zip(player.faults, other.faults, strict=True):
            found, expected = other.outcome(operation, same), player.outcome(operation, one)
            assert _seen(found) == _seen(expected), (operation, one.name, found, expected)
    return _HEAD + _faults(player) + _KEY + _operations(player)


def _seen(outcome: Outcome) -> tuple[object, ...]:
    """What is the same for both clients."""
    error, attempts = outcome.error, outcome.error.attempts if outcome.error else ()
    said = _VARIES.sub("", str(error))
    made = [(attempt.error, attempt.status_code) for attempt in attempts]
    return type(error), said, made, outcome.requests, outcome.renewals, outcome.elsewhere


def _said(outcome: Outcome) -> str:
    name = "value" if outcome.error is None else type(outcome.error).__name__
    return f"{name.removesuffix('Error')} {outcome.requests}"


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |\n"


def _faults(player: Player) -> str:
    lines = [_row("", "fault", "reads", "writes"), _row("---", "---", "---", "---")]
    for number, fault in enumerate(player.faults, 1):
        reads = _said(player.outcome("explore_upstream", fault))
        writes = _said(player.outcome("register_model_run", fault))
        lines.append(_row(number, fault.name, reads, writes))
    return "".join(lines)


def _operations(player: Player) -> str:
    faults = player.faults
    numbers = range(1, len(faults) + 1)
    lines = [_row("operation", *numbers), _row(*["---"] * (len(faults) + 1))]
    for operation in sorted(OPERATIONS):
        name = f"**`{operation}`**" if operation in WRITES else f"`{operation}`"
        lines.append(_row(name, *(_said(player.outcome(operation, fault)) for fault in faults)))
    return "".join(lines)
