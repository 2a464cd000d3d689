"""Run timer functions on their schedules.

Rules of the timer extension (`azure-webjobs-sdk-extensions`, `TimerListener`): a monitored timer remembers when it was
due next, and when that instant passed while the host was down it fires once at start with `past_due`; monitoring is
off for schedules closer than a minute; a function never overlaps itself; ticks missed during a long run become one.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from azure.functions.meta import Datum

from devhost.host.history import wire_time
from devhost.host.invoker import InvocationFailed, Invoker
from devhost.host.journal import Journal
from devhost.host.loader import HostedFunction
from devhost.host.records import TickRecord
from devhost.host.schedules import Schedule

LOG = logging.getLogger(__name__)

# Closer than this, a schedule is not monitored.
MONITOR_FROM = timedelta(minutes=1)
# The wall clock is looked at again at least this often.
LONGEST_SLEEP_S = 30.0


class Ticker:
    """One timer function and its schedule."""

    def __init__(
        self,
        function: HostedFunction,
        schedule: Schedule,
        journal: Journal,
        invoker: Invoker,
        now: Callable[[], datetime],
    ) -> None:
        self._function = function
        self._schedule = schedule
        self._journal = journal
        self._invoker = invoker
        self._now = now
        following = schedule.next_after(now())
        sparse = schedule.next_after(following) - following >= MONITOR_FROM
        self._monitored = function.trigger.use_monitor is not False and sparse

    async def run(self) -> None:
        """Fire for ever; a failing function is logged and waits for its next tick."""
        due_at = await self._first()
        while True:
            await self._sleep_until(due_at)
            await self._fire(due_at, past_due=False)
            following = self._schedule.next_after(due_at)
            due_at = following if following > self._now() else self._now()

    async def _first(self) -> datetime:
        """Fire at once if the start calls for it; when the schedule is due after that."""
        now = self._now()
        record = self._journal.tick(self._function.name) if self._monitored else None
        if record is not None:
            # Worked out again, so that a changed schedule counts from the last run and not from the old plan.
            expected = self._schedule.next_after(record.last_at or record.updated_at)
            if expected < now:
                await self._fire(now, past_due=True)
                return self._schedule.next_after(now)
        if self._function.trigger.run_on_startup:
            await self._fire(now, past_due=False)
            return self._schedule.next_after(now)
        due_at = self._schedule.next_after(now)
        if record is not None:
            return expected
        if self._monitored:
            self._journal.record_tick(self._function.name, TickRecord(last_at=None, next_at=due_at, updated_at=now))
        return due_at

    async def _sleep_until(self, due_at: datetime) -> None:
        while (delay_s := (due_at - self._now()).total_seconds()) > 0:
            await asyncio.sleep(min(delay_s, LONGEST_SLEEP_S))

    async def _fire(self, tick_at: datetime, *, past_due: bool) -> None:
        record = self._journal.tick(self._function.name) if self._monitored else None
        try:
            await self._invoker.call(self._function, timer_datum(record, past_due=past_due))
        except InvocationFailed as failure:
            LOG.error("timer function %s failed: %s", self._function.name, failure)
        if self._monitored:
            next_at = self._schedule.next_after(tick_at)
            self._journal.record_tick(
                self._function.name, TickRecord(last_at=tick_at, next_at=next_at, updated_at=tick_at)
            )


def timer_datum(record: TickRecord | None, *, past_due: bool) -> Datum:
    """What the timer trigger's converter turns into a `TimerRequest`."""
    status = None
    if record is not None:
        status = {
            "Last": wire_time(record.last_at) if record.last_at else "0001-01-01T00:00:00",
            "Next": wire_time(record.next_at),
            "LastUpdated": wire_time(record.updated_at),
        }
    return Datum(
        type="json",
        value=json.dumps({"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": past_due}),
    )
