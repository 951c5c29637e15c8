"""The resident memory of the process, on Linux only."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def resident() -> int:
    """Return the resident memory of this process, in bytes."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def growth() -> Iterator[list[int]]:
    """Measure the peak growth of memory, which the list contains at the end."""
    found: list[int] = []
    over = threading.Event()
    before = highest = resident()

    def watch() -> None:
        nonlocal highest
        while not over.wait(0.002):
            highest = max(highest, resident())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
        found.append(max(highest, resident()) - before)
