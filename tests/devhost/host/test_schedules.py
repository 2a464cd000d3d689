"""Schedules come due when NCrontab and .NET say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from devhost.host.schedules import Interval, ScheduleError, parse_schedule
from devhost.host.timespan import TimeSpanError, parse_timespan


@pytest.mark.parametrize(
    ("text", "base", "expected"),
    [
        ("0 */5 * * * *", "2026-01-01T00:00:00", "2026-01-01T00:05:00"),
        ("*/5 * * * *", "2026-01-01T00:04:59", "2026-01-01T00:05:00"),
        ("* * * * * *", "2026-01-01T00:00:00.900000", "2026-01-01T00:00:01"),
        ("10-8 0 0 * * *", "2026-01-01T00:00:00", "2026-01-01T00:00:08"),
        ("0 50/5 * * * *", "2026-01-01T00:51:00", "2026-01-01T00:55:00"),
        ("0 0 0 13 * Fri", "2026-01-01T00:00:00", "2026-02-13T00:00:00"),
        ("0 0 0 29 feb *", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("0 30 9 * january-March mon", "2026-03-30T10:00:00", "2027-01-04T09:30:00"),
        ("0 0 12,6 * * *", "2026-01-01T06:00:00", "2026-01-01T12:00:00"),
        ("0 0 0 * * 0", "2026-01-01T00:00:00", "2026-01-04T00:00:00"),
        ("59 59 23 31 12 *", "2026-12-31T23:59:59", "2027-12-31T23:59:59"),
    ],
)
def test_ncrontab_expressions(text: str, base: str, expected: str) -> None:
    at = datetime.fromisoformat(base).replace(tzinfo=UTC)
    assert parse_schedule(text).next_after(at) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["0 0 0 * * 7", "60 * * * * *", "0 0 0 L * *", "0 0 0 * * ?", "* * *", "00:00:00", "x"]
)
def test_what_is_not_a_schedule_is_refused(text: str) -> None:
    with pytest.raises(ScheduleError):
        parse_schedule(text)


def test_a_date_that_never_comes_is_an_error_and_not_an_endless_search() -> None:
    with pytest.raises(ScheduleError, match="never"):
        parse_schedule("0 0 0 30 2 *").next_after(datetime(2026, 1, 1, tzinfo=UTC))


def test_cron_follows_the_local_time_zone() -> None:
    schedule = parse_schedule("0 0 9 * * *", ZoneInfo("Europe/Berlin"))
    winter = schedule.next_after(datetime(2026, 1, 1, tzinfo=UTC))
    summer = schedule.next_after(datetime(2026, 7, 1, tzinfo=UTC))
    assert (winter.hour, summer.hour) == (8, 7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:00:00.500", timedelta(milliseconds=500)),
        ("01:02:03", timedelta(hours=1, minutes=2, seconds=3)),
        ("24:00:00", timedelta(days=24)),
        ("2.03:00:00", timedelta(days=2, hours=3)),
        ("2:03:00:00", timedelta(days=2, hours=3)),
        ("5", timedelta(days=5)),
        ("00:00:00.0000001", timedelta(0)),
    ],
)
def test_timespans(text: str, expected: timedelta) -> None:
    assert parse_timespan(text) == expected


@pytest.mark.parametrize("text", ["", "abc", "00:60:00", "1.24:00:00"])
def test_what_is_not_a_timespan_is_refused(text: str) -> None:
    with pytest.raises(TimeSpanError):
        parse_timespan(text)


def test_a_timespan_schedule_counts_from_the_last_run() -> None:
    schedule = parse_schedule("00:00:01.500")
    assert isinstance(schedule, Interval)
    base = datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC)
    assert schedule.next_after(base) - base == timedelta(seconds=1.5)
