"""Writes docs/faults.md, and prints it."""

from __future__ import annotations

from faults.playing import Player
from faults.table import PAGE, page


def main() -> None:
    with Player("async") as player, Player("sync") as other:
        text = page(player, other)
    PAGE.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
