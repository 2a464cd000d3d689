"""What one orchestration episode writes, worked out before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from devhost.host import history
from devhost.host.decisions import (
    Completion,
    ContinueAsNew,
    CreateTimer,
    Outcome,
    RuntimeStatus,
    ScheduleActivity,
    StartChild,
)
from devhost.host.history import Event
from devhost.host.records import EpisodeWrites, Instance, NewActivity, NewMessage, Work


def plan(work: Work, new: Sequence[Event], outcome: Outcome, at: datetime, new_id: Callable[[], str]) -> EpisodeWrites:
    """The rows that carry out `outcome` at instant `at`; `new` are the events this episode appended to the history.

    `new_id` makes the execution ids of continued and child executions.
    """
    consumed = tuple(message.seq for message in work.messages)
    instance = replace(work.instance, updated_at=at, custom_status=outcome.custom_status or work.instance.custom_status)
    if isinstance(outcome.end, ContinueAsNew):
        return _continued(instance, consumed, outcome.end, at, new_id())
    if isinstance(outcome.end, Completion):
        instance = replace(instance, status=outcome.end.status, output=outcome.end.output)
    else:
        instance = replace(instance, status=RuntimeStatus.SUSPENDED if outcome.suspended else RuntimeStatus.RUNNING)
    return _carried_out(instance, consumed, new, outcome, at, new_id)


def _carried_out(
    instance: Instance,
    consumed: tuple[int, ...],
    new: Sequence[Event],
    outcome: Outcome,
    at: datetime,
    new_id: Callable[[], str],
) -> EpisodeWrites:
    events = list(new)
    activities: list[NewActivity] = []
    messages: list[NewMessage] = []
    children: list[tuple[Instance, NewMessage]] = []
    for decision in outcome.decisions:
        match decision:
            case ScheduleActivity(task_id=task_id, name=name, input_text=input_text):
                events.append(history.task_scheduled(at, task_id, name, None))
                activities.append(NewActivity(task_id=task_id, name=name, input_text=input_text))
            case CreateTimer(task_id=task_id, fire_at=fire_at):
                events.append(history.timer_created(at, task_id, fire_at))
                if not decision.cancelled and outcome.end is None:
                    messages.append(_to(instance, fire_at, history.timer_fired(fire_at, task_id, fire_at)))
            case StartChild():
                child, start = _child(instance, decision, at, new_id())
                events.append(history.child_created(at, decision.task_id, child.name, child.instance_id, None))
                children.append((child, start))
    if isinstance(outcome.end, Completion):
        events.append(
            history.execution_completed(at, outcome.next_task_id, outcome.end.status.value, outcome.end.output)
        )
        messages.extend(_answer_to_parent(instance, outcome.end, at))
    events.append(history.orchestrator_completed(at))
    return EpisodeWrites(
        instance=instance,
        consumed=consumed,
        events=tuple(events),
        replaces_history=False,
        activities=tuple(activities),
        messages=tuple(messages),
        children=tuple(children),
    )


def _to(instance: Instance, due_at: datetime, event: Event) -> NewMessage:
    return NewMessage(instance_id=instance.instance_id, execution_id=instance.execution_id, due_at=due_at, event=event)


def _child(parent: Instance, decision: StartChild, at: datetime, execution_id: str) -> tuple[Instance, NewMessage]:
    child = Instance(
        instance_id=decision.instance_id or f"{parent.execution_id}:{decision.task_id}",
        execution_id=execution_id,
        name=decision.name,
        version=decision.version if decision.version is not None else parent.version,
        status=RuntimeStatus.PENDING,
        input_text=decision.input_text,
        output=None,
        custom_status=None,
        created_at=at,
        updated_at=at,
        parent_id=parent.instance_id,
        parent_execution_id=parent.execution_id,
        parent_task_id=decision.task_id,
    )
    return child, start_message(child, at, parent_name=parent.name)


def start_message(instance: Instance, at: datetime, parent_name: str = "") -> NewMessage:
    """The message that starts this execution of the instance."""
    parent = None
    if instance.parent_id and instance.parent_execution_id and instance.parent_task_id is not None:
        parent = history.parent_instance(
            parent_name, instance.parent_id, instance.parent_execution_id, instance.parent_task_id
        )
    event = history.execution_started(
        at,
        name=instance.name,
        version=instance.version,
        input_text=instance.input_text,
        instance_id=instance.instance_id,
        execution_id=instance.execution_id,
        parent=parent,
    )
    return _to(instance, at, event)


def refused_child(child: Instance, at: datetime) -> NewMessage:
    """The answer to a parent whose sub-orchestration id is taken by an instance that still runs."""
    reason = f"An Orchestration instance with the id '{child.instance_id}' already exists and has not finished."
    failure = Completion(status=RuntimeStatus.FAILED, output=reason)
    return _answer_to_parent(child, failure, at)[0]


def _answer_to_parent(instance: Instance, end: Completion, at: datetime) -> list[NewMessage]:
    if instance.parent_id is None or instance.parent_task_id is None:
        return []
    if end.status is RuntimeStatus.COMPLETED:
        event = history.child_completed(at, instance.parent_task_id, end.output)
    else:
        event = history.child_failed(at, instance.parent_task_id, end.output or "", end.details)
    return [
        NewMessage(instance_id=instance.parent_id, execution_id=instance.parent_execution_id, due_at=at, event=event)
    ]


def _continued(
    instance: Instance, consumed: tuple[int, ...], end: ContinueAsNew, at: datetime, execution_id: str
) -> EpisodeWrites:
    renewed = replace(
        instance, execution_id=execution_id, input_text=end.input_text, status=RuntimeStatus.RUNNING, output=None
    )
    # A carried event keeps the instant it arrived, so it stays ahead of messages that came after it.
    carried = [_to(renewed, history.parse_time(event["Timestamp"]), event) for event in end.carried]
    return EpisodeWrites(
        instance=renewed,
        consumed=consumed,
        events=(),
        replaces_history=True,
        activities=(),
        messages=(start_message(renewed, at), *carried),
        children=(),
    )
