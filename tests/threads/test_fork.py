"""Locks and state of the parent in a forked child."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from prov_facade._runtime.fork import ForkSafeLock

SCRIPT = """
import os
import threading
import warnings

from prov_facade._runtime.fork import ForkSafeLock, hold_during_fork, reset_in_child

warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
mine, others, held = ForkSafeLock(), ForkSafeLock(), threading.Lock()


class Counter:
    count = 0

    def reset_after_fork(self):
        self.count += 1


counter, dropped = Counter(), Counter()
reset_in_child(counter)
reset_in_child(dropped)
del dropped
hold_during_fork(held)

locked, done = threading.Event(), threading.Event()


def other_thread():
    with others:
        locked.set()
        done.wait()


threading.Thread(target=other_thread, daemon=True).start()
locked.wait()
with mine:
    child = os.fork()
    found = {
        "mine": mine.acquire(timeout=0),
        "others": others.acquire(timeout=0),
        "held": held.acquire(timeout=0),
        "count": counter.count,
    }
if not child:
    expected = {"mine": False, "others": True, "held": True, "count": 1}
    os._exit(found != expected or not mine.acquire(timeout=0))
done.set()
assert found == {"mine": False, "others": False, "held": True, "count": 0}, found
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_child_finds_the_locks_of_other_threads_released_and_state_reset() -> None:
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, timeout=60)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copied_lock_is_a_new_one(copied: Callable[[ForkSafeLock], ForkSafeLock]) -> None:
    lock = ForkSafeLock()
    with lock:
        assert not lock.acquire(timeout=0)
        assert copied(lock).acquire(timeout=0)
    assert lock.acquire(timeout=0)
