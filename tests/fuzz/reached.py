"""Which operations answered what: noted while requests are made, and read afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen


@frozen
class Reached:
    """How often each operation answered with each status.

    Attributes:
        path: The file that keeps it, with a line for each answer.
    """

    path: Path

    def note(self, operation_id: str, status: int) -> None:
        """Add an answer."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{operation_id} {status}\n")

    def answers(self) -> Counter[tuple[str, int]]:
        """Count the answers by operation and status."""
        if not self.path.exists():
            return Counter()
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return Counter((name, int(status)) for name, status in map(str.split, lines))

    def never_succeeded(self, operation_ids: Iterable[str]) -> list[str]:
        """List the operations that never answered with a 2xx."""
        done = {name for name, status in self.answers() if 200 <= status < 300}
        return sorted(set(operation_ids) - done)

    def table(self) -> str:
        """Lay the numbers out, with a line for each operation and a column for each status."""
        answers = self.answers()
        statuses = sorted({status for _, status in answers})
        names = dict.fromkeys(name for name, _ in answers)
        rows = [
            ["operation", *map(str, statuses)],
            *(
                [name, *(str(answers[name, status] or "-") for status in statuses)]
                for name in names
            ),
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
            for row in rows
        )
