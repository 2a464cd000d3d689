"""Events: the timeline of an environment, one gapless sequence that readers follow by its numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from shared.domain.refusals import JsonValue


class EventType(Enum):
    """What happened, in the past tense; the name is part of the API (CloudEvents `type` without its prefix)."""

    OPERATION_BEGUN = "operation.begun"
    OPERATION_SUCCEEDED = "operation.succeeded"
    OPERATION_FAILED = "operation.failed"
    OPERATION_FORCED = "operation.forced"
    OPERATION_WAITING_APPROVAL = "operation.waiting_approval"
    OPERATION_APPROVED = "operation.approved"
    OPERATION_CANCEL_REQUESTED = "operation.cancel_requested"
    OPERATION_CANCELLED = "operation.cancelled"
    STEP_ENDED = "step.ended"
    STEP_SKIPPED = "step.skipped"
    GATEWAY_FAILED = "gateway.failed"
    GATEWAY_RECOVERED = "gateway.recovered"
    CLUSTER_PREWARMED = "cluster.prewarmed"
    PREFLIGHT_CHANGED = "preflight.changed"
    DRILL_ABORT_REQUESTED = "drill.abort_requested"
    FENCE_RAISED = "fence.raised"
    VERDICT_CHANGED = "verdict.changed"
    MASS_SILENCE_BEGAN = "monitor.mass_silence_began"
    MASS_SILENCE_ENDED = "monitor.mass_silence_ended"
    ALERT_RECEIVED = "alert.received"
    AUTOMATIC_DECIDED = "failover.automatic_decided"
    MODES_CHANGED = "modes.changed"
    ENVIRONMENT_PAUSED = "environment.paused"
    ENVIRONMENT_RESUMED = "environment.resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event. `sequence` is gapless within the environment; `id` names the fact, so that a repetition is known."""

    environment: str
    sequence: int
    id: str
    type: EventType
    at: datetime
    subject: str  # what it is about: a gateway, an operation, an alert, or the environment itself
    data: Mapping[str, JsonValue] = field(default_factory=dict)


def next_event(
    last: Event | None,
    *,
    environment: str,
    id: str,
    type: EventType,
    at: datetime,
    subject: str,
    data: Mapping[str, JsonValue],
) -> Event:
    """Return the event that follows `last` in its environment."""
    return Event(
        environment=environment, sequence=last.sequence + 1 if last else 1, id=id, type=type, at=at, subject=subject,
        data=data,
    )  # fmt: skip
