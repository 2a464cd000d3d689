"""When a timer function is due: NCRONTAB expressions and plain intervals.

Grammar and field order follow NCrontab and Microsoft's "Timer trigger for Azure Functions", section "NCRONTAB
expressions". Day of month and day of week must both match, unlike in cron.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Protocol

from devhost.host.timespan import TimeSpanError, parse_timespan

_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
_WEEKDAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split()  # noqa: SIM905
# Beyond this an expression such as 30 February is taken to have no occurrence; 40 years cover every leap-day weekday.
_HORIZON_DAYS = 41 * 366


class ScheduleError(ValueError):
    """The text is no schedule."""


class Schedule(Protocol):
    """Something that comes due again and again."""

    def next_after(self, base: datetime) -> datetime:
        """The first due instant strictly after `base`, as aware UTC. ScheduleError if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Due every `period` after the last time."""

    period: timedelta

    def next_after(self, base: datetime) -> datetime:
        """`base` plus the period."""
        return base.astimezone(UTC) + self.period


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """Due whenever every field of the local time is in its set; weekdays count from Sunday = 0."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    zone: tzinfo

    def next_after(self, base: datetime) -> datetime:
        """The next matching second of local time after `base`."""
        start = base.astimezone(self.zone).replace(tzinfo=None, microsecond=0) + timedelta(seconds=1)
        for offset in range(_HORIZON_DAYS):
            day = start.date() + timedelta(days=offset)
            if not self._matches(day):
                continue
            found = self._first_on(day, start if offset == 0 else datetime.combine(day, datetime.min.time()))
            if found is not None:
                return found.replace(tzinfo=self.zone).astimezone(UTC)
        raise ScheduleError("the schedule never comes due")

    def _matches(self, day: date) -> bool:
        return day.day in self.days and day.month in self.months and day.isoweekday() % 7 in self.weekdays

    def _first_on(self, day: date, earliest: datetime) -> datetime | None:
        for hour in self.hours:
            if hour < earliest.hour:
                continue
            for minute in self.minutes:
                if (hour, minute) < (earliest.hour, earliest.minute):
                    continue
                for second in self.seconds:
                    if (hour, minute, second) >= (earliest.hour, earliest.minute, earliest.second):
                        return datetime(day.year, day.month, day.day, hour, minute, second)  # noqa: DTZ001
        return None


def parse_schedule(text: str, zone: tzinfo = UTC) -> Schedule:
    """The schedule of a six- or five-field NCRONTAB expression or a .NET TimeSpan. ScheduleError if it is neither.

    Five fields leave out the seconds, which are then zero. `24:00:00` is 24 days, as in .NET.
    """
    fields = text.split()
    if len(fields) == 5:
        fields = ["0", *fields]
    if len(fields) != 6:
        return _interval(text)
    return Cron(
        seconds=_field(fields[0], 0, 59),
        minutes=_field(fields[1], 0, 59),
        hours=_field(fields[2], 0, 23),
        days=frozenset(_field(fields[3], 1, 31)),
        months=frozenset(_field(fields[4], 1, 12, _MONTHS)),
        weekdays=frozenset(_field(fields[5], 0, 6, _WEEKDAYS)),
        zone=zone,
    )


def _interval(text: str) -> Interval:
    try:
        period = parse_timespan(text)
    except TimeSpanError as error:
        raise ScheduleError(f"{text!r} is neither an NCRONTAB expression nor a TimeSpan") from error
    if period <= timedelta(0):
        raise ScheduleError(f"{text!r} is not a positive interval")
    return Interval(period=period)


def _field(text: str, low: int, high: int, names: list[str] | None = None) -> tuple[int, ...]:
    values: set[int] = set()
    for item in text.split(","):
        span, slash, step_text = item.partition("/")
        step = _number(step_text, 1, high, None) if slash else 1
        if span == "*":
            first, last = low, high
        else:
            start, dash, end = span.partition("-")
            first = _number(start, low, high, names)
            # `n/s` runs to the end of the range, `n` alone does not.
            last = _number(end, low, high, names) if dash else high if slash else first
        values.update(range(min(first, last), max(first, last) + 1, step))
    return tuple(sorted(values))


def _number(text: str, low: int, high: int, names: list[str] | None) -> int:
    if text.isdecimal():
        value = int(text)
    else:
        matches = [index for index, name in enumerate(names or []) if text and name.lower().startswith(text.lower())]
        if not matches:
            raise ScheduleError(f"{text!r} is not a value of this field")
        value = matches[0] + low
    if not low <= value <= high:
        raise ScheduleError(f"{value} is outside {low} to {high}")
    return value
