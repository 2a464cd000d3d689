"""Task ids, open tasks and waits: the bookkeeping the Durable Task Framework does while an orchestrator replays.

Ids count from zero per execution, in the order tasks are created. A task is *pending* until the history confirms it
and *open* until it completes or is cancelled (`TaskOrchestrationContext` in the Durable Task Framework).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from devhost.host.decisions import CreateTimer, Decision, Registered, ScheduleActivity, StartChild
from devhost.host.history import Event, EventType


class OrchestrationFault(Exception):
    """The instance must fail now; the text is its output."""


class Progress(Enum):
    """How far a task got."""

    OPEN = "open"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Wait(Protocol):
    """Something the action list can wait for."""

    def poll(self) -> bool:
        """Whether it is over."""


class Task:
    """One activity, timer, sub-orchestration or external-event wait."""

    __slots__ = ("progress",)

    def __init__(self, progress: Progress = Progress.OPEN) -> None:
        self.progress = progress

    def poll(self) -> bool:
        """Whether the task ended in any way."""
        return self.progress is not Progress.OPEN


class Board:
    """The tasks of one execution during one replay."""

    def __init__(self, registered: Registered, now: datetime) -> None:
        self.now = now
        self.next_id = 0
        self.pending: dict[int, Decision] = {}
        self._open: dict[int, Task] = {}
        self._registered = registered
        self._waiters: dict[str, list[Task]] = defaultdict(list)
        self._buffered: dict[str, deque[Event]] = defaultdict(deque)

    @property
    def has_open_tasks(self) -> bool:
        """Whether a task is neither completed nor cancelled. External-event waits do not count."""
        return bool(self._open)

    def schedule_activity(self, name: str, input_text: str | None) -> Task:
        """A new activity task. OrchestrationFault if the application has no such activity."""
        if name.lower() not in self._registered.activities:
            raise OrchestrationFault(
                f"The function '{name}' doesn't exist, is disabled, or is not an activity function."
            )
        return self._add(ScheduleActivity(task_id=self.next_id, name=name, input_text=input_text))

    def start_child(self, name: str, input_text: str | None, instance_id: str | None, version: str | None) -> Task:
        """A new sub-orchestration task. OrchestrationFault if the application has no such orchestrator."""
        if name.lower() not in self._registered.orchestrators:
            raise OrchestrationFault(
                f"The function '{name}' doesn't exist, is disabled, or is not an orchestrator function."
            )
        return self._add(
            StartChild(task_id=self.next_id, name=name, input_text=input_text, instance_id=instance_id, version=version)
        )

    def create_timer(self, fire_at: datetime) -> Task:
        """A new timer task."""
        return self._add(CreateTimer(task_id=self.next_id, fire_at=fire_at, cancelled=False))

    def create_cancelled_timer(self, fire_at: datetime) -> Task:
        """A timer that takes an id and a place in the history, but is over already."""
        self.pending[self.next_id] = CreateTimer(task_id=self.next_id, fire_at=fire_at, cancelled=True)
        self.next_id += 1
        return Task(Progress.CANCELLED)

    def wait_for_event(self, name: str) -> Task:
        """A wait that takes no id; satisfied at once by the oldest buffered event of that name, ignoring case."""
        key = name.lower()
        if self._buffered[key]:
            self._buffered[key].popleft()
            return Task(Progress.SUCCEEDED)
        task = Task()
        self._waiters[key].append(task)
        return task

    def raise_event(self, event: Event) -> None:
        """Give an external event to the newest waiter of its name, or buffer it."""
        key = event["Name"].lower()
        if self._waiters[key]:
            self._waiters[key].pop().progress = Progress.SUCCEEDED
        else:
            self._buffered[key].append(event)

    def confirm(self, event: Event) -> None:
        """Match a schedule event of the history with a pending task; OrchestrationFault if the code has changed."""
        task_id = event["EventId"]
        decision = self.pending.pop(task_id, None)
        if decision is None or not _describes(event, decision):
            asked = (
                "nothing" if decision is None else f"{type(decision).__name__} {getattr(decision, 'name', '')}".strip()
            )
            raise OrchestrationFault(
                "Non-Deterministic workflow detected: the history holds "
                f"{EventType(event['EventType']).name} '{event.get('Name') or ''}' with id {task_id}, "
                f"but the orchestrator code asked for {asked} at this place. "
                "Was the orchestrator code changed while the instance was running?"
            )

    def complete(self, task_id: int, progress: Progress) -> None:
        """End an open task; a completion nobody waits for is ignored."""
        task = self._open.pop(task_id, None)
        if task is not None:
            task.progress = progress

    def _add(self, decision: Decision) -> Task:
        task = Task()
        self.pending[decision.task_id] = decision
        self._open[decision.task_id] = task
        self.next_id += 1
        return task


def _describes(event: Event, decision: Decision) -> bool:
    match decision:
        case CreateTimer():
            return bool(event["EventType"] == EventType.TIMER_CREATED)
        case ScheduleActivity(name=name):
            return bool(event["EventType"] == EventType.TASK_SCHEDULED and event["Name"].lower() == name.lower())
        case StartChild(name=name):
            return bool(event["EventType"] == EventType.CHILD_CREATED and event["Name"].lower() == name.lower())


class Retry:
    """A task tried again after a fixed delay, as `RetryInterceptor` of the Durable Task Framework does.

    After the last failed attempt one more timer, due at once, is created before the failure counts: the Python library
    expects its event, and without it both sides would number later tasks differently.
    """

    def __init__(self, board: Board, attempt: Callable[[], Task], interval: timedelta, max_attempts: int) -> None:
        self._board = board
        self._attempt = attempt
        self._interval = interval
        self._attempts_left = max_attempts - 1
        self._task = attempt()
        self._delaying = False
        self._over = False

    def poll(self) -> bool:
        """Whether the task succeeded or used up its attempts."""
        while not self._over and self._task.poll():
            if not self._delaying:
                self._after_attempt()
            elif self._attempts_left == 0:
                self._over = True
            else:
                self._attempts_left -= 1
                self._delaying = False
                self._task = self._attempt()
        return self._over

    def _after_attempt(self) -> None:
        if self._task.progress is Progress.SUCCEEDED:
            self._over = True
            return
        delay = self._interval if self._attempts_left else timedelta(0)
        self._task = self._board.create_timer(self._board.now + delay)
        self._delaying = True


class AllOf:
    """Over when every member is over, even after one failed."""

    def __init__(self, members: list[Wait]) -> None:
        self._members = members

    def poll(self) -> bool:
        """Whether all members are over."""
        return all(member.poll() for member in self._members)


class AnyOf:
    """Over when one member is over; the others stay open."""

    def __init__(self, members: list[Wait]) -> None:
        self._members = members

    def poll(self) -> bool:
        """Whether some member is over. An empty list is over, as awaiting nothing is in the extension."""
        return not self._members or any(member.poll() for member in self._members)
