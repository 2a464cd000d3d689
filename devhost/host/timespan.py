"""Durations as .NET writes them (`TimeSpan.Parse`)."""

from __future__ import annotations

import re
from datetime import timedelta

_PATTERN = re.compile(
    r"(?:(?P<days>\d+)\.)?(?P<hours>\d{1,8}):(?P<minutes>\d{1,2})(?::(?P<seconds>\d{1,2})(?:\.(?P<fraction>\d{1,7}))?)?"
)


class TimeSpanError(ValueError):
    """The text is not a duration."""


def parse_timespan(text: str) -> timedelta:
    """The duration of `[d.]hh:mm[:ss[.fffffff]]`, or of whole days. TimeSpanError if malformed.

    As in .NET, hours of 24 or more shift every part one place up: `24:00:00` is 24 days, not one.
    """
    stripped = text.strip()
    if stripped.isdecimal():
        return timedelta(days=int(stripped))
    if stripped.count(":") == 3:
        stripped = stripped.replace(":", ".", 1)
    match = _PATTERN.fullmatch(stripped)
    if match is None:
        raise TimeSpanError(f"{text!r} is not a duration of the form hh:mm:ss")
    days, hours, minutes, seconds = (int(match[part] or 0) for part in ("days", "hours", "minutes", "seconds"))
    if hours >= 24 and match["days"] is None:
        days, hours, minutes, seconds = hours, minutes, seconds, 0
    if hours >= 24 or minutes >= 60 or seconds >= 60:
        raise TimeSpanError(f"{text!r} has a part that is too large")
    microseconds = int((match["fraction"] or "").ljust(7, "0")) // 10
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, microseconds=microseconds)
