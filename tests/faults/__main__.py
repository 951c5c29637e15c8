"""Writes docs/faults.md, and prints it."""

from __future__ import annotations

from faults.playing import Player
from faults.table import PAGE, page


def main() -> None:
    with Player() as player:
        text = page(player)
    PAGE.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
