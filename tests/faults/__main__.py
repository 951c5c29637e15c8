"""Writes docs/faults.md and prints it."""

from __future__ import annotations

from faults.table import PAGE, page

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(page(), end="")
