"""What happens to the tasks of one environment, on rows in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from devhost.emulators.memory_database import QueuedRequest, Rows
from shared.domain.faults import IdempotencyKeyReused
from shared.domain.fencing import FencingToken
from shared.domain.guard import Caller
from shared.domain.refusals import JsonValue
from shared.domain.tasks import (
    RotationConfig,
    Task,
    TaskCursor,
    TaskRefusal,
    TaskStatus,
    TaskVerdict,
    UnfinishedTasks,
    resolved,
    status_after_loss,
)
from shared.ports import Reported, TaskNotResolved, TaskReport, TaskResolved, WorkRefused

ENDED = (TaskStatus.SUCCEEDED, TaskStatus.FAILED)
Configs = Callable[[str], RotationConfig | None]


def oldest_first(task: Task) -> tuple[datetime, str]:
    """Sort key of the queue."""
    return task.created_at, task.id


def claim(rows: Rows, caller: Caller, *, limit: int, now: datetime) -> list[Task]:
    """Give the oldest pending tasks to the caller and return them."""
    pending = sorted((t for t in rows.tasks.values() if t.status is TaskStatus.PENDING), key=oldest_first)
    claimed = [
        replace(
            task, status=TaskStatus.RUNNING, attempt=task.attempt + 1, token=caller.token,
            gateway_id=caller.gateway_id, claimed_at=now, progressed_at=now,
        )
        for task in pending[:limit]
    ]  # fmt: skip
    for task in claimed:
        rows.tasks[task.id] = task
        rows.claims[task.id, task.attempt] = caller.token
    return claimed


def report(rows: Rows, task: Task, caller: Caller, told: TaskReport, *, now: datetime) -> Reported | WorkRefused:
    """Record a report on a task, or return why not."""
    if ended_by(task, caller, told):
        return Reported.REPEATED
    mine = (task.gateway_id, task.token, task.attempt) == (caller.gateway_id, caller.token, told.attempt)
    if not mine or task.status in (TaskStatus.PENDING, TaskStatus.IN_DOUBT):
        return WorkRefused(TaskRefusal.SUPERSEDED_ATTEMPT)
    if task.status in ENDED:
        return WorkRefused(TaskRefusal.ALREADY_DONE)
    rows.tasks[task.id] = replace(
        task, status=told.status, result=dict(told.result), progressed_at=now,
        completed_at=now if told.status in ENDED else None,
    )  # fmt: skip
    return Reported.ACCEPTED


def ended_by(task: Task, caller: Caller, told: TaskReport) -> bool:
    """Whether this very report, made under this very claim, has ended the task before."""
    claim_and_end = (caller.gateway_id, caller.token, told.attempt, told.status, dict(told.result))
    return told.status in ENDED and claim_and_end == (
        task.gateway_id, task.token, task.attempt, task.status, dict(task.result),
    )  # fmt: skip


def hand_back(rows: Rows, token: FencingToken, configs: Configs, *, now: datetime) -> list[Task]:
    """Take running tasks from holders of tokens below `token`, and return them as left."""
    lost = [t for t in rows.tasks.values() if t.status is TaskStatus.RUNNING and (t.token or 0) < token]
    return [_interrupted(rows, task, configs, because="owner_lost", now=now) for task in lost]


def expire(rows: Rows, configs: Configs, *, task_timeout_s: float, now: datetime) -> list[Task]:
    """Take running tasks without progress from their gateways, and return them as left."""
    limit = now - timedelta(seconds=task_timeout_s)
    silent = [
        t for t in rows.tasks.values() if t.status is TaskStatus.RUNNING and t.progressed_at and t.progressed_at < limit
    ]
    return [_interrupted(rows, task, configs, because="no_progress", now=now) for task in silent]


def resolve(rows: Rows, task: Task, verdict: TaskVerdict, *, now: datetime) -> TaskResolved | TaskNotResolved:
    """Leave a task in doubt as a person decided, or return why not."""
    earlier = rows.resolutions.get(task.id)
    if task.status is TaskStatus.IN_DOUBT:
        rows.resolutions[task.id] = verdict.resolution
        rows.tasks[task.id] = resolved(task, verdict.resolution, now=now)
        return TaskResolved(before=task, after=rows.tasks[task.id], repeated=False)
    if earlier is verdict.resolution:
        return TaskResolved(before=task, after=task, repeated=True)
    return TaskNotResolved(task=task, earlier=earlier)


def add(rows: Rows, config: RotationConfig, wanted: QueuedRequest, *, key: str, now: datetime) -> Task:
    """Queue one execution, or return the task that the key queued before."""
    first = rows.requests.setdefault(key, wanted)
    if (first.config_id, first.digest) != (wanted.config_id, wanted.digest):
        raise IdempotencyKeyReused("Idempotency-Key came with another request before")
    if first.task_id not in rows.tasks:
        rows.tasks[first.task_id] = Task(
            id=first.task_id, environment=config.environment, config_id=config.id, status=TaskStatus.PENDING,
            attempt=0, created_at=now, idempotency_key=first.task_id, payload=dict(config.payload),
        )  # fmt: skip
    return rows.tasks[first.task_id]


def newest(tasks: Iterable[Task], *, status: TaskStatus | None, limit: int, after: TaskCursor | None) -> list[Task]:
    """Return a page of tasks, newest first."""
    end = (after.created_at, after.id) if after else None
    wanted = [t for t in tasks if status in (None, t.status) and (end is None or oldest_first(t) < end)]
    return sorted(wanted, key=oldest_first, reverse=True)[:limit]


def unfinished(tasks: Iterable[Task], *, now: datetime) -> UnfinishedTasks:
    """Return how many tasks have not ended, and how long the oldest pending one has waited."""
    counted = list(tasks)
    waiting = [task.created_at for task in counted if task.status is TaskStatus.PENDING]
    return UnfinishedTasks(
        pending=len(waiting),
        running=sum(task.status is TaskStatus.RUNNING for task in counted),
        in_doubt=sum(task.status is TaskStatus.IN_DOUBT for task in counted),
        oldest_pending_age_s=(now - min(waiting)).total_seconds() if waiting else 0.0,
    )


def _interrupted(rows: Rows, task: Task, configs: Configs, *, because: str, now: datetime) -> Task:
    config = configs(task.config_id)
    assert config is not None, "a task outlived its config"
    status = status_after_loss(
        attempt=task.attempt, on_lost_owner=config.on_lost_owner, max_attempts=config.max_attempts
    )
    if status is TaskStatus.PENDING:
        left = replace(
            task, status=status, token=None, gateway_id=None, claimed_at=None, progressed_at=None, result={}
        )  # fmt: skip
    else:
        result: Mapping[str, JsonValue] = {**task.result, "interrupted": because}
        completed_at = now if status is TaskStatus.FAILED else None
        left = replace(task, status=status, completed_at=completed_at, result=result)
    rows.tasks[task.id] = left
    return left
