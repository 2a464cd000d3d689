"""From an event of the timeline to what people are told, and to what is open afterwards. Pure: no clock, no receiver.

Severities are those of the table in the operators' guide: what stops the work or moves it is critical, what needs a
person soon is an error, what should be looked at a warning, the rest info. Every type of event has its line here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.domain import notices_of_operations as operations
from shared.domain import notices_of_watching as watching
from shared.domain.events import Event, EventType
from shared.domain.incidents import (
    Incident,
    IncidentKind,
    acknowledged,
    by_key,
    quiet,
    unattended,
    with_incident,
    without_incident,
)
from shared.domain.notice_parts import Notice, clock
from shared.domain.notifications import Notification, Severity, Signal

Words = Callable[[Event, Sequence[Incident]], Notice | None]

WORDS: Final[Mapping[EventType, Words]] = {
    EventType.OPERATION_BEGUN: operations.begun,
    EventType.OPERATION_SUCCEEDED: operations.succeeded,
    EventType.OPERATION_FAILED: operations.failed,
    EventType.OPERATION_FORCED: operations.forced,
    EventType.OPERATION_WAITING_APPROVAL: operations.waiting_approval,
    EventType.OPERATION_APPROVED: operations.approved,
    EventType.OPERATION_CANCEL_REQUESTED: operations.cancel_requested,
    EventType.OPERATION_CANCELLED: operations.cancelled,
    EventType.STEP_ENDED: operations.step_ended,
    EventType.STEP_SKIPPED: operations.step_skipped,
    EventType.GATEWAY_FAILED: watching.gateway_failed,
    EventType.GATEWAY_RECOVERED: watching.gateway_recovered,
    EventType.CLUSTER_PREWARMED: watching.cluster_prewarmed,
    EventType.PREFLIGHT_CHANGED: watching.preflight_changed,
    EventType.DRILL_ABORT_REQUESTED: operations.drill_abort_requested,
    EventType.FENCE_RAISED: watching.fence_raised,
    EventType.VERDICT_CHANGED: watching.verdict_changed,
    EventType.MASS_SILENCE_BEGAN: watching.mass_silence_began,
    EventType.MASS_SILENCE_ENDED: watching.mass_silence_ended,
    EventType.ALERT_RECEIVED: watching.alert_received,
    EventType.AUTOMATIC_DECIDED: watching.automatic_decided,
    EventType.MODES_CHANGED: operations.modes_changed,
    EventType.ENVIRONMENT_PAUSED: operations.paused,
    EventType.ENVIRONMENT_RESUMED: operations.resumed,
}


def notification_of(event: Event, incidents: Sequence[Incident]) -> Notification | None:
    """Return what is said of an event to a channel with these incidents open; None where nothing is.

    Its id is the environment's name and the event's number: whoever gets it twice can tell.
    """
    notice = WORDS[event.type](event, incidents)
    if notice is None:
        return None
    return Notification(
        id=f"{event.environment}-{event.sequence}", environment=event.environment, at=event.at,
        severity=notice.severity, signal=notice.signal, incident=notice.incident, type=event.type.value,
        subject=event.subject, sentence=notice.sentence, next_action=notice.next_action, sequence=event.sequence,
        facts={label: value for label, value in notice.facts.items() if value}, data=event.data,
    )  # fmt: skip


def reminder_of(incident: Incident, environment: str, *, now: datetime) -> Notification:
    """Return the reminder of an open incident; its id names what was said last, so that a repetition has the same."""
    return Notification(
        id=f"{incident.key}/reminder/{incident.last_sent_at:%Y%m%dT%H%M%S%fZ}", environment=environment, at=now,
        severity=incident.severity, signal=Signal.REMIND, incident=incident.key, type="reminder",
        subject=environment,
        sentence=(
            f"STILL OPEN since {clock(incident.opened_at)}, and nobody has begun an operation. {incident.sentence}"
        ),
        next_action=incident.next_action,
        facts={"Open since": incident.opened_at.isoformat(timespec="seconds")},
    )  # fmt: skip


def untold_of(events: Sequence[Event], told: int) -> Notification:
    """Return the one note that stands for events which nobody needs to hear one by one any more."""
    first, last = events[0], events[-1]
    return Notification(
        id=f"{first.environment}-untold-{first.sequence}-{last.sequence}", environment=first.environment, at=last.at,
        severity=Severity.WARNING, signal=Signal.NOTE, incident=None, type="untold", subject=first.environment,
        sentence=(
            f"{first.environment}: {told} events were not told, from {first.at:%Y-%m-%d} {clock(first.at)} to "
            f"{last.at:%Y-%m-%d} {clock(last.at)}: this channel could not be reached for too long."
        ),
        next_action=(
            f"GET /api/v1/admin/environments/{first.environment}/events?after={first.sequence - 1} has them all."
        ),
        sequence=last.sequence,
    )  # fmt: skip


def after_event(
    incidents: Sequence[Incident], event: Event, notification: Notification | None, *, sent_at: datetime | None
) -> tuple[Incident, ...]:
    """Return the incidents that are open when an event has been dealt with.

    Args:
        notification: What `notification_of` said of it.
        sent_at: When it was said; None when the channel does not want it.
    """
    left = tuple(incidents)
    if notification is not None:
        left = _after_notification(left, notification, sent_at)
    return _after_fact(left, event)


def _after_notification(
    incidents: tuple[Incident, ...], said: Notification, sent_at: datetime | None
) -> tuple[Incident, ...]:
    if said.signal is Signal.RESOLVE:
        return without_incident(incidents, said.incident)
    if sent_at is None or said.incident is None:
        return incidents
    known = by_key(incidents, said.incident)
    if known is not None:
        return with_incident(incidents, replace(known, last_sent_at=sent_at))
    opened = Incident(
        key=said.incident, opened_at=said.at, last_sent_at=sent_at, severity=said.severity, sentence=said.sentence,
        next_action=said.next_action,
    )  # fmt: skip
    return with_incident(incidents, opened)


def _after_fact(incidents: tuple[Incident, ...], event: Event) -> tuple[Incident, ...]:
    match event.type:
        case EventType.OPERATION_BEGUN:
            kind = str(event.data.get("operation"))
            joined = {*operations.JOINS.get(kind, ())}
            if kind in operations.MOVES:
                joined |= {IncidentKind.MASS_SILENCE}  # whoever fails over out of it acts on it
            attended = acknowledged(incidents, by=event.subject, kinds=joined)
            own = by_key(attended, f"{event.environment}/{kind}/{event.subject}")
            return (
                with_incident(attended, replace(own, acknowledged=True, operations=(event.subject,)))
                if own
                else attended
            )
        case EventType.OPERATION_FAILED | EventType.OPERATION_CANCELLED:
            attended = unattended(incidents, operation_id=event.subject)
            own = by_key(attended, f"{event.environment}/{event.data.get('operation')}/{event.subject}")
            if own is None or event.type is EventType.OPERATION_CANCELLED:
                return attended
            return with_incident(attended, replace(own, severity=Severity.ERROR))
        case EventType.ENVIRONMENT_PAUSED:
            return quiet(incidents, _instant(operations.paused_until(event)))
        case EventType.ENVIRONMENT_RESUMED:
            return quiet(incidents, None)
        case _:
            return incidents


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
