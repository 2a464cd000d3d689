"""The rows of the journal as the rest of the host sees them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from devhost.host.decisions import RuntimeStatus
from devhost.host.history import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One orchestration instance; texts are JSON text, except the output of a failed or terminated one."""

    instance_id: str
    execution_id: str
    name: str
    version: str | None
    status: RuntimeStatus
    input_text: str | None
    output: str | None
    custom_status: str | None
    created_at: datetime
    updated_at: datetime
    parent_id: str | None = None
    parent_execution_id: str | None = None
    parent_task_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An event waiting for an instance; `seq` is its row, `due_at` the instant it may be delivered."""

    seq: int
    due_at: datetime
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """An event to deliver to one execution, or to whichever execution is current when `execution_id` is None."""

    instance_id: str
    execution_id: str | None
    due_at: datetime
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedActivity:
    """An activity waiting to run or running; `seq` is its row."""

    seq: int
    instance_id: str
    execution_id: str
    task_id: int
    name: str
    input_text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewActivity:
    """An activity to queue."""

    task_id: int
    name: str
    input_text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one episode starts from."""

    instance: Instance
    past: tuple[Event, ...]
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeWrites:
    """Everything one episode changes; the journal commits it as one transaction.

    `instance` is the row afterwards. `replaces_history` is set when the instance continued as new: its history starts
    again and `events` is empty.
    """

    instance: Instance
    consumed: tuple[int, ...]
    events: tuple[Event, ...]
    replaces_history: bool
    activities: tuple[NewActivity, ...]
    messages: tuple[NewMessage, ...]
    children: tuple[tuple[Instance, NewMessage], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TickRecord:
    """When a monitored timer function last ran and is due next."""

    last_at: datetime | None
    next_at: datetime
    updated_at: datetime
