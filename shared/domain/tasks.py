"""Tasks: units of rotation work that a gateway claims, reports on and completes under its fencing token."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from shared.domain.fencing import FencingToken
from shared.domain.refusals import JsonValue


class TaskStatus(Enum):
    """How a task stands."""

    PENDING = "pending"  # waits for the active gateway to claim it
    RUNNING = "running"  # claimed; belongs to one gateway, token and attempt
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # reported failed, or given up after max_attempts
    IN_DOUBT = "in_doubt"  # its owner was lost and the work may not be repeated blindly: a person resolves it


class OnLostOwner(Enum):
    """What becomes of a running task whose gateway was lost, as its rotation config says."""

    REQUEUE = "requeue"  # the work is idempotent: run it again under the same idempotency key
    HOLD = "hold"  # it is not: hold it in doubt


class Resolution(Enum):
    """What a person decides about a task in doubt, having looked at what the work was done to."""

    DONE = "done"  # the work has been done: the task has succeeded
    RETRY = "retry"  # it has not, or may be repeated: the task is queued again
    GIVE_UP = "give_up"  # it is not to be done: the task has failed


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationConfig:
    """What to rotate, and what to do when the gateway doing it is lost."""

    id: str
    environment: str
    name: str
    on_lost_owner: OnLostOwner = OnLostOwner.REQUEUE
    max_attempts: int = 3
    payload: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One execution of a rotation config. `attempt` tells two claims of one task apart, `token` two holders."""

    id: str
    environment: str
    config_id: str
    status: TaskStatus
    attempt: int
    created_at: datetime
    token: FencingToken | None = None
    gateway_id: str | None = None
    claimed_at: datetime | None = None
    progressed_at: datetime | None = None
    completed_at: datetime | None = None
    idempotency_key: str = ""
    payload: Mapping[str, JsonValue] = field(default_factory=dict)
    result: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedTasks:
    """How many tasks of an environment have not ended, and how long the oldest pending one has waited."""

    pending: int = 0
    running: int = 0
    in_doubt: int = 0
    oldest_pending_age_s: float = 0.0  # on the store's clock; 0 without a pending task


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskVerdict:
    """A person's resolution of a task in doubt, with who and why; kept with the attempt it was made on."""

    resolution: Resolution
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCursor:
    """Where a page of tasks ended. Lists are ordered by it, newest first, so a page does not move when tasks come."""

    created_at: datetime
    id: str


class TaskRefusal(Enum):
    """Why a gateway's claim, report or lease was refused; the value is the `reason` of the 409."""

    NOT_HOLDER = "not_holder"  # another gateway, or nobody, holds the environment
    STALE_TOKEN = "stale_token"  # the caller works under an older token
    HOLDER_FAILED = "holder_failed"  # the caller holds the lock and is marked failed
    NOT_BEFORE = "not_before"  # the former holder's lease may still run
    LEASE_EXPIRED = "lease_expired"  # the caller must beat, and get a lease, first
    DRAINING = "draining"  # a failback is about to move the lock: no new claims
    SUPERSEDED_ATTEMPT = "superseded_attempt"  # the task was handed on since this attempt claimed it
    ALREADY_DONE = "already_done"  # the task ended, with another result
    AUTHORITY_UNREACHABLE = "authority_unreachable"  # and this PostgreSQL timeline was never validated
    AUTHORITY_REGRESSED = "authority_regressed"  # the lock is missing or older than the mirror


def status_after_loss(*, attempt: int, on_lost_owner: OnLostOwner, max_attempts: int) -> TaskStatus:
    """Return where a running task goes when its owner is lost or has been silent too long (runbook section 3)."""
    if on_lost_owner is OnLostOwner.HOLD:
        return TaskStatus.IN_DOUBT
    return TaskStatus.PENDING if attempt < max_attempts else TaskStatus.FAILED


def resolved(task: Task, resolution: Resolution, *, now: datetime) -> Task:
    """Return a task in doubt as a resolution leaves it; `result` says that a person ended it.

    A retry needs no attempt to be left: the person decides what `max_attempts` decides for lost owners.
    """
    if resolution is Resolution.RETRY:
        return replace(
            task, status=TaskStatus.PENDING, token=None, gateway_id=None, claimed_at=None, progressed_at=None, result={}
        )
    status = TaskStatus.SUCCEEDED if resolution is Resolution.DONE else TaskStatus.FAILED
    result: dict[str, JsonValue] = {**task.result, "resolution": resolution.value}
    return replace(task, status=status, completed_at=now, result=result)
