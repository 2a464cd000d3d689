"""What one replay of an orchestrator asks the host to do, and how an instance can stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from devhost.host.history import Event


class RuntimeStatus(Enum):
    """How an instance stands; values are the names the status API shows (Durable Task `OrchestrationStatus`)."""

    RUNNING = "Running"
    COMPLETED = "Completed"
    CONTINUED_AS_NEW = "ContinuedAsNew"
    FAILED = "Failed"
    CANCELED = "Canceled"
    TERMINATED = "Terminated"
    PENDING = "Pending"
    SUSPENDED = "Suspended"

    @property
    def finished(self) -> bool:
        """Whether the instance will never run again under its present execution."""
        return self in _FINISHED


_FINISHED = frozenset({RuntimeStatus.COMPLETED, RuntimeStatus.FAILED, RuntimeStatus.CANCELED, RuntimeStatus.TERMINATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleActivity:
    """Queue an activity; `input_text` reaches the function exactly as it stands."""

    task_id: int
    name: str
    input_text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTimer:
    """Record a timer, and fire it at `fire_at` unless it was cancelled before it was ever recorded."""

    task_id: int
    fire_at: datetime
    cancelled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StartChild:
    """Start a sub-orchestration; `instance_id` None lets the host derive one, `input_text` is JSON text."""

    task_id: int
    name: str
    input_text: str | None
    instance_id: str | None
    version: str | None


Decision = ScheduleActivity | CreateTimer | StartChild


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """The execution is over; `output` is JSON text (Completed) or plain text (Failed, Terminated)."""

    status: RuntimeStatus
    output: str | None
    details: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueAsNew:
    """The execution is replaced by a new one; `carried` are external events that arrived after the decision."""

    input_text: str | None
    carried: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything one episode decided; `custom_status` None means unchanged."""

    decisions: tuple[Decision, ...]
    end: Completion | ContinueAsNew | None
    custom_status: str | None
    suspended: bool
    next_task_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrchestratorResult:
    """What the orchestrator function answered: the actions of this execution so far, and how it ended, if it did."""

    actions: tuple[Event, ...]
    is_done: bool
    output: str | None
    error: str | None
    custom_status: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The lower-cased names that activities and orchestrators of the application answer to."""

    activities: frozenset[str]
    orchestrators: frozenset[str]
