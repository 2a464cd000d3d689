"""The system clock and the ids made from it."""

import re
import time
from datetime import UTC, datetime, timedelta, timezone

from shared.adapters.operation_codec import operation_key
from shared.adapters.random_ids import RandomIds
from shared.adapters.system_clock import SystemClock
from shared.ports import Clock, IdSource


class FixedClock:
    """A clock that stands."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def unix_ns(self) -> int:
        return int(self.at.timestamp()) * 10**9


def test_the_system_clock_tells_the_machines_time_in_utc() -> None:
    clock: Clock = SystemClock()
    before_ns, at, between_ns = time.time_ns(), clock.now(), clock.unix_ns()
    after = datetime.now(UTC) + timedelta(microseconds=1)
    assert at.utcoffset() == timedelta(0)
    assert datetime.fromtimestamp(before_ns / 1e9, UTC) - timedelta(microseconds=1) <= at <= after
    assert before_ns <= between_ns <= time.time_ns()


def test_an_operation_id_names_the_environment_and_the_time_in_utc() -> None:
    at = datetime(2026, 11, 23, 21, 15, 0, 123999, tzinfo=timezone(timedelta(hours=1)))
    ids: IdSource = RandomIds(FixedClock(at))
    assert re.fullmatch(r"PRO-20261123T201500123Z-[0-9a-f]{6}", ids.operation_id("PRO"))


def test_operation_ids_sort_by_time() -> None:
    clock = FixedClock(datetime(2026, 11, 23, 9, 59, 59, 9_000, tzinfo=UTC))
    ids = RandomIds(clock)
    made = []
    for step_s in (0.001, 0.1, 1, 3600, 86_400, 31 * 86_400):
        clock.at += timedelta(seconds=step_s)
        made.append(ids.operation_id("PRO"))
    assert made == sorted(made)


def test_an_operation_id_can_be_read_back_to_its_environment() -> None:
    key = operation_key(RandomIds(SystemClock()).operation_id("PRO-west_2"))
    assert key is not None
    assert key.partition == "PRO-west_2"


def test_ids_of_the_same_millisecond_and_unique_ids_differ() -> None:
    ids = RandomIds(FixedClock(datetime(2026, 11, 23, tzinfo=UTC)))
    assert len({ids.operation_id("PRO") for _ in range(20)}) == 20
    unique = {ids.unique() for _ in range(100)}
    assert len(unique) == 100
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in unique)
