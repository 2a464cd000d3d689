"""The events of an orchestration's history, in the JSON shape the Durable extension hands to a worker.

Numbers, field names and the meaning of `EventId` follow the Durable Task Framework (`DurableTask.Core.History`).
`IsPlayed` is not stored: it depends on the episode that reads the event.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

Event = dict[str, Any]


class EventType(IntEnum):
    """The kinds of event this host writes or reads."""

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    CHILD_CREATED = 7
    CHILD_COMPLETED = 8
    CHILD_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_RAISED = 15
    CONTINUE_AS_NEW = 16
    EXECUTION_SUSPENDED = 19
    EXECUTION_RESUMED = 20


# The names Azure shows in a status with history (`EventType.ToString()` in the Durable Task Framework).
EVENT_NAMES = {
    EventType.EXECUTION_STARTED: "ExecutionStarted",
    EventType.EXECUTION_COMPLETED: "ExecutionCompleted",
    EventType.EXECUTION_TERMINATED: "ExecutionTerminated",
    EventType.TASK_SCHEDULED: "TaskScheduled",
    EventType.TASK_COMPLETED: "TaskCompleted",
    EventType.TASK_FAILED: "TaskFailed",
    EventType.CHILD_CREATED: "SubOrchestrationInstanceCreated",
    EventType.CHILD_COMPLETED: "SubOrchestrationInstanceCompleted",
    EventType.CHILD_FAILED: "SubOrchestrationInstanceFailed",
    EventType.TIMER_CREATED: "TimerCreated",
    EventType.TIMER_FIRED: "TimerFired",
    EventType.ORCHESTRATOR_STARTED: "OrchestratorStarted",
    EventType.ORCHESTRATOR_COMPLETED: "OrchestratorCompleted",
    EventType.EVENT_RAISED: "EventRaised",
    EventType.CONTINUE_AS_NEW: "ContinueAsNew",
    EventType.EXECUTION_SUSPENDED: "ExecutionSuspended",
    EventType.EXECUTION_RESUMED: "ExecutionResumed",
}


def wire_time(at: datetime) -> str:
    """The instant as .NET writes it: UTC, seven fractional digits, `Z`. Sorts as text in time order."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def parse_time(text: str) -> datetime:
    """The aware UTC instant of a wire time; digits beyond microseconds are dropped. ValueError if malformed."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def _event(kind: EventType, at: datetime, event_id: int = -1, **fields: Any) -> Event:
    return {"EventType": int(kind), "EventId": event_id, "Timestamp": wire_time(at), **fields}


def orchestrator_started(at: datetime) -> Event:
    """Opens an episode; its timestamp is the replay clock."""
    return _event(EventType.ORCHESTRATOR_STARTED, at)


def orchestrator_completed(at: datetime) -> Event:
    """Closes an episode."""
    return _event(EventType.ORCHESTRATOR_COMPLETED, at)


def execution_started(
    at: datetime,
    *,
    name: str,
    version: str | None,
    input_text: str | None,
    instance_id: str,
    execution_id: str,
    parent: Event | None = None,
) -> Event:
    """The first message of an execution. `input_text` is JSON text or None."""
    return _event(
        EventType.EXECUTION_STARTED,
        at,
        Name=name,
        # The Durable library reads this key unconditionally, so it must exist even when there is no version.
        Version=version,
        Input=input_text,
        Tags=None,
        ParentInstance=parent,
        OrchestrationInstance={"InstanceId": instance_id, "ExecutionId": execution_id},
    )


def parent_instance(name: str, instance_id: str, execution_id: str, task_id: int) -> Event:
    """The `ParentInstance` block of a sub-orchestration's ExecutionStarted."""
    return {
        "Name": name,
        "OrchestrationInstance": {"InstanceId": instance_id, "ExecutionId": execution_id},
        "TaskScheduleId": task_id,
        "Version": None,
    }


def execution_completed(at: datetime, event_id: int, status: str, result: str | None) -> Event:
    """Ends an execution; `result` is JSON text, or plain text for a failure or termination."""
    return _event(EventType.EXECUTION_COMPLETED, at, event_id, OrchestrationStatus=status, Result=result)


def execution_terminated(at: datetime, reason: str) -> Event:
    """A request to stop the execution without running its code again."""
    return _event(EventType.EXECUTION_TERMINATED, at, Input=reason)


def execution_suspended(at: datetime, reason: str) -> Event:
    """A request to hold the execution."""
    return _event(EventType.EXECUTION_SUSPENDED, at, Reason=reason)


def execution_resumed(at: datetime, reason: str) -> Event:
    """A request to let a held execution go on."""
    return _event(EventType.EXECUTION_RESUMED, at, Reason=reason)


def event_raised(at: datetime, name: str, input_text: str) -> Event:
    """An external event; `input_text` is JSON text."""
    return _event(EventType.EVENT_RAISED, at, Name=name, Input=input_text)


def task_scheduled(at: datetime, task_id: int, name: str, input_text: str | None) -> Event:
    """Confirms that an activity was queued. Azure stores the input only when asked to."""
    return _event(EventType.TASK_SCHEDULED, at, task_id, Name=name, Version="", Input=input_text)


def task_completed(at: datetime, task_id: int, result: str | None) -> Event:
    """An activity's result as JSON text."""
    return _event(EventType.TASK_COMPLETED, at, TaskScheduledId=task_id, Result=result)


def task_failed(at: datetime, task_id: int, reason: str, details: str) -> Event:
    """An activity's failure; `details` is the JSON of an exception."""
    return _event(
        EventType.TASK_FAILED, at, TaskScheduledId=task_id, Reason=reason, Details=details, FailureDetails=None
    )


def timer_created(at: datetime, task_id: int, fire_at: datetime) -> Event:
    """Confirms that a timer exists."""
    return _event(EventType.TIMER_CREATED, at, task_id, FireAt=wire_time(fire_at))


def timer_fired(at: datetime, task_id: int, fire_at: datetime) -> Event:
    """A timer came due."""
    return _event(EventType.TIMER_FIRED, at, TimerId=task_id, FireAt=wire_time(fire_at))


def child_created(at: datetime, task_id: int, name: str, instance_id: str, input_text: str | None) -> Event:
    """Confirms that a sub-orchestration was started."""
    return _event(EventType.CHILD_CREATED, at, task_id, Name=name, Version="", InstanceId=instance_id, Input=input_text)


def child_completed(at: datetime, task_id: int, result: str | None) -> Event:
    """A sub-orchestration's output as JSON text."""
    return _event(EventType.CHILD_COMPLETED, at, TaskScheduledId=task_id, Result=result)


def child_failed(at: datetime, task_id: int, reason: str, details: str) -> Event:
    """A sub-orchestration's failure or termination."""
    return _event(EventType.CHILD_FAILED, at, TaskScheduledId=task_id, Reason=reason, Details=details)
