"""Deliver messages to orchestrations, run activities and fire durable timers, the moment each becomes possible.

Nothing is polled: a commit that creates work wakes it directly, and the earliest future message holds one alarm. One
episode of an instance runs at a time; different instances and activities run side by side up to host.json's limits.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import uuid
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any

from azure.functions.meta import Datum

from devhost.host import history
from devhost.host.conversation import exception_details, orchestrator_context, raised_state, returned_state
from devhost.host.crash import activity_crash_point, episode_crash_point
from devhost.host.decisions import Completion, Outcome, Registered, RuntimeStatus
from devhost.host.episode import plan
from devhost.host.history import Event, EventType
from devhost.host.invoker import InvocationFailed, Invoker
from devhost.host.journal import Journal
from devhost.host.loader import ACTIVITY, ORCHESTRATION, HostedFunction
from devhost.host.records import Instance, NewMessage, QueuedActivity, Work
from devhost.host.replay import failed_outcome, replay
from devhost.host.settings import HostSettings

LOG = logging.getLogger(__name__)

# The alarm looks at the wall clock at least this often, so a stepped clock delays a timer by no more.
LONGEST_SLEEP_S = 30.0
# How long running work may take to commit when the host stops; what is not committed runs again after the next start.
STOP_GRACE_S = 0.5


class Dispatcher:
    """Everything durable that happens without a request. Use from the host's event loop only."""

    def __init__(
        self,
        journal: Journal,
        invoker: Invoker,
        functions: Sequence[HostedFunction],
        settings: HostSettings,
        now: Callable[[], datetime],
    ) -> None:
        self._journal = journal
        self._invoker = invoker
        self._now = now
        self._activities = _by_durable_name(functions, ACTIVITY)
        self._orchestrators = _by_durable_name(functions, ORCHESTRATION)
        self._registered = Registered(
            activities=frozenset(self._activities), orchestrators=frozenset(self._orchestrators)
        )
        self._activity_slots = asyncio.Semaphore(settings.max_activities)
        self._episode_slots = asyncio.Semaphore(settings.max_orchestrators)
        self._alarms: list[tuple[datetime, str]] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._busy: set[str] = set()
        self._again: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self) -> None:
        """Take up everything the journal holds."""
        for activity in self._journal.queued_activities():
            self._spawn(self._run_activity(activity))
        for due_at, instance_id in self._journal.due_times():
            self.expect(instance_id, due_at)

    def post(self, message: NewMessage) -> None:
        """Store a message and deliver it when it is due."""
        self._journal.post(message)
        self.expect(message.instance_id, message.due_at)

    def expect(self, instance_id: str, due_at: datetime) -> None:
        """Run the instance at `due_at`; its message is in the journal already."""
        if due_at <= self._now():
            self._wake(instance_id)
        else:
            heapq.heappush(self._alarms, (due_at, instance_id))
            self._set_alarm()

    async def stop(self) -> None:
        """Start nothing more and give running work a moment to commit."""
        self._stopping = True
        if self._alarm is not None:
            self._alarm.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_GRACE_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Alarms and tasks ------------------------------------------------------------------------------------------

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._alarms and not self._stopping:
            delay_s = (self._alarms[0][0] - self._now()).total_seconds()
            self._alarm = asyncio.get_running_loop().call_later(min(max(delay_s, 0), LONGEST_SLEEP_S), self._ring)

    def _ring(self) -> None:
        now = self._now()
        while self._alarms and self._alarms[0][0] <= now:
            self._wake(heapq.heappop(self._alarms)[1])
        self._set_alarm()

    def _wake(self, instance_id: str) -> None:
        if instance_id in self._busy:
            self._again.add(instance_id)
        elif not self._stopping:
            self._busy.add(instance_id)
            self._spawn(self._run_instance(instance_id))

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        if self._stopping:
            coroutine.close()
            return
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or task.exception() is None or self.failed.done():
            return
        # A defect of the host itself: ending the process is safe, going on with half of the work stuck is not.
        self.failed.set_exception(task.exception() or RuntimeError("unknown"))

    # Orchestrations --------------------------------------------------------------------------------------------

    async def _run_instance(self, instance_id: str) -> None:
        try:
            async with self._episode_slots:
                while not self._stopping:
                    self._again.discard(instance_id)
                    if not await self._run_episode(instance_id) and instance_id not in self._again:
                        return
        finally:
            self._busy.discard(instance_id)

    async def _run_episode(self, instance_id: str) -> bool:
        at = self._now()
        work = self._journal.work(instance_id, at)
        if work is None:
            return False
        new = (history.orchestrator_started(at), *(message.event for message in work.messages))
        outcome = await self._decide(work, new)
        writes = plan(work, new, outcome, self._now(), new_execution_id)
        episode_crash_point(work.instance.name)
        queued = self._journal.commit_episode(work, writes)
        if queued is None:
            return True
        for activity in queued:
            self._spawn(self._run_activity(activity))
        for message in (*writes.messages, *(start for _, start in writes.children)):
            self.expect(message.instance_id, message.due_at)
        if isinstance(outcome.end, Completion):
            _log_end(work.instance, outcome.end)
        return True

    async def _decide(self, work: Work, new: Sequence[Event]) -> Outcome:
        instance = work.instance
        for event in new:
            if event["EventType"] == EventType.EXECUTION_TERMINATED:
                return _terminated(event["Input"])
        function = self._orchestrators.get(instance.name.lower())
        if function is None:
            text = f"The function '{instance.name}' doesn't exist, is disabled, or is not an orchestrator function."
            return failed_outcome(text, next_task_id=0)
        context = orchestrator_context(instance.instance_id, work.past, new, instance.parent_id)
        try:
            datum = await self._invoker.call(function, Datum(type="string", value=context))
            result = returned_state(datum.value if datum else "")
        except InvocationFailed as failure:
            found = raised_state(str(failure))
            if found is None:
                return failed_outcome(f"Orchestrator function '{instance.name}' failed: {failure}", next_task_id=0)
            result = found
        return replay(instance.name, (*work.past, *new), result, self._registered)

    # Activities ------------------------------------------------------------------------------------------------

    async def _run_activity(self, activity: QueuedActivity) -> None:
        async with self._activity_slots:
            activity_crash_point(activity.name, "before")
            event = await self._activity_event(activity)
            activity_crash_point(activity.name, "returned")
            self._journal.finish_activity(activity, event, self._now())
            activity_crash_point(activity.name, "recorded")
        self._wake(activity.instance_id)

    async def _activity_event(self, activity: QueuedActivity) -> Event:
        function = self._activities.get(activity.name.lower())
        try:
            if function is None:
                raise InvocationFailed(f"LookupError: no activity function named {activity.name}", "")
            datum = await self._invoker.call(function, Datum(type="string", value=activity.input_text or "null"))
        except InvocationFailed as failure:
            LOG.warning("activity %s of '%s' failed: %s", activity.name, activity.instance_id, failure)
            # Two blanks: the extension keeps the text after `Exception:` of the worker's message as it stands.
            reason = f"Activity function '{activity.name}' failed:  {failure}"
            details = exception_details(str(failure), failure.stack)
            return history.task_failed(self._now(), activity.task_id, reason, details)
        return history.task_completed(self._now(), activity.task_id, None if datum is None else datum.value)


def new_execution_id() -> str:
    """A fresh execution or instance id: 32 hexadecimal digits."""
    return uuid.uuid4().hex


def _by_durable_name(functions: Sequence[HostedFunction], trigger_type: str) -> dict[str, HostedFunction]:
    return {function.durable_name.lower(): function for function in functions if function.trigger_type == trigger_type}


def _log_end(instance: Instance, end: Completion) -> None:
    if end.status is RuntimeStatus.FAILED:
        # Only the first line: the second is the JSON of a stack.
        LOG.warning("%s '%s' failed: %s", instance.name, instance.instance_id, (end.output or "").partition("\n")[0])
    else:
        LOG.info("%s '%s' is %s", instance.name, instance.instance_id, end.status.value)


def _terminated(reason: str) -> Outcome:
    return Outcome(
        decisions=(),
        end=Completion(status=RuntimeStatus.TERMINATED, output=reason),
        custom_status=None,
        suspended=False,
        next_task_id=0,
    )
