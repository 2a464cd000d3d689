"""A caller that waits gets its answer as soon as there is one, holds no thread meanwhile, and never waits too long."""

import asyncio
import threading
import time
from collections.abc import Sequence

import pytest

from functions.long_poll import look_until
from shared.domain.faults import LockStoreUnavailable


def looks(answers: list[int]) -> int:
    return answers.pop(0) if len(answers) > 1 else answers[0]


def test_the_first_look_that_is_enough_is_the_answer() -> None:
    answers = [0, 0, 7, 8]
    assert asyncio.run(look_until(bool, lambda: looks(answers), wait_s=10.0)) == 7
    assert answers == [8]


def test_who_does_not_wait_gets_the_first_look() -> None:
    answers = [0, 7]
    assert asyncio.run(look_until(bool, lambda: looks(answers), wait_s=0.0)) == 0


def test_the_wait_ends_in_time_with_the_last_look() -> None:
    began_s = time.monotonic()
    assert asyncio.run(look_until(bool, lambda: 0, wait_s=0.3)) == 0
    assert 0.3 <= time.monotonic() - began_s < 5.0


def test_a_store_that_does_not_answer_ends_the_wait() -> None:
    def look() -> int:
        raise LockStoreUnavailable("away")

    with pytest.raises(LockStoreUnavailable):
        asyncio.run(look_until(bool, look, wait_s=10.0))


def test_a_hundred_callers_wait_at_once_and_no_look_runs_on_the_loops_thread() -> None:
    begun = threading.Event()
    threads: set[int] = set()

    def look() -> bool:
        threads.add(threading.get_ident())
        return begun.is_set()

    async def everybody() -> Sequence[bool]:
        waiting = [asyncio.create_task(look_until(bool, look, wait_s=60.0)) for _ in range(100)]
        await asyncio.sleep(0.2)
        begun.set()
        return await asyncio.gather(*waiting)

    assert all(asyncio.run(everybody()))
    assert threading.get_ident() not in threads
