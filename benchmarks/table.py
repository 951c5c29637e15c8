"""The table of figures, for the terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

HEADINGS = ("figure", "ours", "peer", "ratio (min-max)", "CPU ratio", "target", "met")
WIDTHS = (46, 30, 26, 20, 9, 14, 3)
MET = {None: "", True: "yes", False: "NO"}


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        name: The name of the figure on the command line, to profile it.
        required: Whether the run fails when the target is not met.
    """

    name: str
    figure: str
    ours: str = ""
    peer: str = ""
    ratio: str = ""
    cpu: str = ""
    target: str = ""
    met: bool | None = None
    required: bool = False

    @property
    def cells(self) -> tuple[str, ...]:
        return self.figure, self.ours, self.peer, self.ratio, self.cpu, self.target, MET[self.met]


def duration(seconds: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.{1 if seconds * factor < 100 else 0}f} {unit}"
    return f"{seconds * 1e6:.0f} µs"


def growth_cells(speed: str, growth: float, bound: float) -> dict[str, Any]:
    """Return the cells of a figure whose memory must not grow by more than ``bound`` bytes."""
    return {
        "ours": f"{speed}, {growth / 1e6:+.1f} MB",
        "target": f"≤ {bound / 1e6:.0f} MB",
        "met": growth <= bound,
        "required": True,
    }


def line(cells: Iterable[str]) -> str:
    return "  ".join(map(str.ljust, cells, WIDTHS)).rstrip()


def markdown(rows: Iterable[Row]) -> str:
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(row.cells for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
