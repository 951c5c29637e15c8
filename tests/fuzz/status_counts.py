"""Counts the statuses of the responses of each operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen


@frozen
class StatusCounts:
    """How often each operation responded with each status.

    Attributes:
        path: A file with a line for each response.
    """

    path: Path

    def add(self, operation_id: str, status: int) -> None:
        """Add a response."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{operation_id} {status}\n")

    def responses(self) -> Counter[tuple[str, int]]:
        """Count the responses by operation and status."""
        if not self.path.exists():
            return Counter()
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return Counter((name, int(status)) for name, status in map(str.split, lines))

    def never_succeeded(self, operation_ids: Iterable[str]) -> list[str]:
        """Return the operations that never responded with a 2xx."""
        succeeded = {name for name, status in self.responses() if 200 <= status < 300}
        return sorted(set(operation_ids) - succeeded)

    def table(self) -> str:
        """Format the counts, with a line for each operation and a column for each status."""
        responses = self.responses()
        statuses = sorted({status for _, status in responses})
        names = dict.fromkeys(name for name, _ in responses)
        rows = [
            ["operation", *map(str, statuses)],
            *(
                [name, *(str(responses[name, status] or "-") for status in statuses)]
                for name in names
            ),
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
            for row in rows
        )
