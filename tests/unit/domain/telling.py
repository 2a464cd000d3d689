"""A timeline at hand: events with sensible data, and a channel that follows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from shared.domain.events import Event, EventType
from shared.domain.incidents import Incident
from shared.domain.notices import after_event, notification_of
from shared.domain.notifications import Notification
from tests.unit.builders import PRIMARY, SECOND, T0

_OPERATION: Final = {"operation": "failover", "requested_by": "jane", "reason": "drilled before"}
_MODES: Final = {"auto_failover": "on", "prewarm": "off", "two_person": False, "paused_until": None}
DATA: Final[Mapping[EventType, Mapping[str, Any]]] = {
    EventType.OPERATION_BEGUN: _OPERATION,
    EventType.OPERATION_SUCCEEDED: _OPERATION,
    EventType.OPERATION_FAILED: {**_OPERATION, "code": "StandbyHeartbeatMissing", "message": "No heartbeat"},
    EventType.OPERATION_FORCED: {"requested_by": "jane", "reason": "the region is gone", "risk": "two may act"},
    EventType.OPERATION_WAITING_APPROVAL: {**_OPERATION, "ends_at": "2026-03-01T12:15:00+00:00"},
    EventType.OPERATION_APPROVED: {**_OPERATION, "by": "joe"},
    EventType.OPERATION_CANCEL_REQUESTED: {**_OPERATION, "by": "joe"},
    EventType.OPERATION_CANCELLED: {**_OPERATION, "code": "OperationCancelled", "message": "cancelled"},
    EventType.STEP_ENDED: {
        "operation": "failover", "step": "start_dr_cluster", "runbook": "1.2", "status": "succeeded", "detail": "runs",
    },
    EventType.STEP_SKIPPED: {**_OPERATION, "by": "joe", "step": "verify_operations", "unknown": "whether it works"},
    EventType.GATEWAY_FAILED: {
        "reason": "silent", "consecutive_failures": 3, "fencing_token": "17", "role": "primary",
    },
    EventType.GATEWAY_RECOVERED: {"fencing_token": "18", "heartbeats_on_time": 3},
    EventType.CLUSTER_PREWARMED: {"reason": "gw-pro-primary is suspect", "stop_due_at": None},
    EventType.PREFLIGHT_CHANGED: {"status": "warn", "changed": ["drill"], "failing": {"drill": "warn: overdue"}},
    EventType.DRILL_ABORT_REQUESTED: {"requested_by": "jane", "reason": "enough"},
    EventType.FENCE_RAISED: {"fencing_token": "18", "requeued": 2, "in_doubt": 1, "failed": 0},
    EventType.VERDICT_CHANGED: {
        "from": "healthy", "to": "suspect", "reason": "silent for 121 s", "holds_the_lock": True, "paused": False,
        "role": "primary", "in_mass_silence": False,
    },
    EventType.MASS_SILENCE_BEGAN: {"since": T0.isoformat(), "silent": 4, "environments": 5, "members": ["gw"]},
    EventType.MASS_SILENCE_ENDED: {"since": T0.isoformat(), "silent": 4, "environments": 5, "members": ["gw"]},
    EventType.ALERT_RECEIVED: {
        "condition": "Fired", "intent": "primary-failed", "kind": "metric", "rule": "pro-primary", "severity": "Sev0",
    },
    EventType.AUTOMATIC_DECIDED: {"outcome": "no", "verdict": "failed", "broken": ["azure_monitor_says_so"]},
    EventType.MODES_CHANGED: {"before": _MODES, "after": _MODES, "requested_by": "jane", "reason": "night"},
    EventType.ENVIRONMENT_PAUSED: {
        "before": _MODES, "after": {**_MODES, "paused_until": (T0 + 7200 * SECOND).isoformat()},
        "requested_by": "jane", "reason": "network work",
    },
    EventType.ENVIRONMENT_RESUMED: {"before": _MODES, "after": _MODES, "requested_by": "jane", "reason": "done"},
}  # fmt: skip
OPERATIONS: Final = frozenset(kind for kind in EventType if kind.value.startswith(("operation.", "step.", "drill.")))


def event(kind: EventType, *, number: int = 1, at: datetime = T0, subject: str = "", **data: Any) -> Event:
    """Return an event with the members it has in the product; `data` changes some of them."""
    about = subject or ("PRO-1" if kind in OPERATIONS else PRIMARY)
    return Event(
        environment="PRO", sequence=number, id=f"id-{number}", type=kind, at=at, subject=about,
        data={**DATA[kind], **data},
    )  # fmt: skip


def numbered(*events: Event) -> list[Event]:
    """Return the events as a timeline: numbered from 1, a minute apart."""
    return [
        Event(
            environment=one.environment, sequence=number, id=f"id-{number}", type=one.type,
            at=T0 + 60 * number * SECOND, subject=one.subject, data=one.data,
        )
        for number, one in enumerate(events, start=1)
    ]  # fmt: skip


def told(*events: Event) -> tuple[list[Notification], tuple[Incident, ...]]:
    """Return what a channel that wants everything is told of a timeline, and what is open afterwards."""
    incidents: tuple[Incident, ...] = ()
    said: list[Notification] = []
    for one in numbered(*events):
        notification = notification_of(one, incidents)
        incidents = after_event(incidents, one, notification, sent_at=one.at)
        if notification is not None:
            said.append(notification)
    return said, incidents


def signals(said: Sequence[Notification]) -> list[str]:
    """Return the signals, in order."""
    return [one.signal.value for one in said]
