"""What happens to the tasks of one environment, on rows in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from devhost.emulators.memory_database import Rows
from shared.domain.fencing import FencingToken
from shared.domain.guard import Caller
from shared.domain.refusals import JsonValue
from shared.domain.tasks import RotationConfig, Task, TaskRefusal, TaskStatus, status_after_loss
from shared.ports import Reported, TaskReport, WorkRefused

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
