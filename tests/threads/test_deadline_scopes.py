"""Nested deadlines of threads, and how much time they leave."""

from __future__ import annotations

import threading
import time

import pytest

from prov_facade._runtime.threads.concurrency import deadline, limited_to_deadline, sleep, time_left


def test_without_a_deadline_the_time_is_unlimited() -> None:
    assert time_left() is None
    assert (limited_to_deadline(None), limited_to_deadline(7)) == (None, 7)
    with deadline(None) as limit:
        assert time_left() is None
        assert not limit.expired()


def test_the_nearest_deadline_applies() -> None:
    with deadline(60):
        with deadline(600):
            assert 50 < (time_left() or 0) <= 60
        with deadline(6):
            assert 5 < (time_left() or 0) <= 6
            assert limited_to_deadline(None) == pytest.approx(6, abs=1)
            assert limited_to_deadline(3) == 3
        assert 50 < (time_left() or 0) <= 60
    assert time_left() is None


def test_a_sleep_ends_at_the_deadline() -> None:
    start = time.monotonic()
    with pytest.raises(TimeoutError), deadline(0.05) as limit:
        sleep(60)
    assert 0.05 <= time.monotonic() - start < 5
    assert limit.expired()
    assert time_left() is None


def test_a_sleep_within_the_deadline_is_not_shortened() -> None:
    start = time.monotonic()
    with deadline(60) as limit:
        sleep(0.05)
    assert time.monotonic() - start >= 0.05
    assert not limit.expired()


def test_a_timeout_error_of_the_body_is_not_replaced() -> None:
    error = TimeoutError("of another kind")
    with pytest.raises(TimeoutError) as caught, deadline(60):
        raise error
    assert caught.value is error


def test_a_deadline_applies_to_one_thread() -> None:
    found: list[float | None] = []
    with deadline(60):
        thread = threading.Thread(target=lambda: found.append(time_left()))
        thread.start()
        thread.join()
    assert found == [None]
