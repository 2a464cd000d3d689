"""Adds events to an environment's timeline. The timeline tells of effects: losing an event never undoes one."""

from collections.abc import Mapping
from typing import Final

from shared.domain.events import EventType, next_event
from shared.domain.faults import Conflict, Unavailable
from shared.domain.guard import Sync, SyncOutcome
from shared.domain.refusals import JsonValue
from shared.ports import Ports
from shared.telemetry import warn

TRIES: Final = 10
LOOKED_BACK: Final = 50
"""Events in which a repetition looks for its own; far more than one environment has while a step is repeated."""


def record_event(
    ports: Ports,
    environment: str,
    *,
    event_id: str,
    type: EventType,
    subject: str,
    data: Mapping[str, JsonValue] | None = None,
) -> None:
    """Append one event, unless one with this id is among the newest.

    Args:
        event_id: Names the fact, such as a write id; the same fact told again adds nothing.

    Raises:
        LockStoreUnavailable, OutcomeUnknown: Table Storage does not answer; telling it again is safe.
        Conflict: Other writers won every one of the tries.
    """
    for attempt in range(TRIES):
        newest = ports.events.newest(environment, limit=LOOKED_BACK)
        if any(event.id == event_id for event in newest):
            return None
        event = next_event(
            newest[0] if newest else None, environment=environment, id=event_id, type=type, at=ports.clock.now(),
            subject=subject, data=data or {},
        )  # fmt: skip
        try:
            return ports.events.insert(event)
        except Conflict:
            # Somebody else took the number, or our own write landed unanswered: the next look tells.
            if attempt == TRIES - 1:
                raise
    return None


def tell(
    ports: Ports,
    environment: str,
    *,
    event_id: str,
    type: EventType,
    subject: str,
    data: Mapping[str, JsonValue] | None = None,
) -> None:
    """Append one event if the store lets us; what happened has happened either way."""
    try:
        record_event(ports, environment, event_id=event_id, type=type, subject=subject, data=data)
    except (Unavailable, Conflict) as failure:
        warn("event.not_recorded", environment=environment, type=type.value, subject=subject, detail=str(failure))


def tell_raised(ports: Ports, sync: Sync) -> None:
    """Tell of a fence that a sync has raised, and of the tasks it has handed back."""
    mirror = sync.mirror
    if sync.outcome is not SyncOutcome.RAISED or mirror is None:
        return
    tell(
        ports, mirror.environment, event_id=f"fence/{mirror.token}", type=EventType.FENCE_RAISED,
        subject=mirror.holder or mirror.environment,
        data={
            "fencing_token": str(mirror.token), "holder": mirror.holder, "requeued": sync.requeued,
            "in_doubt": sync.in_doubt, "failed": sync.failed,
        },
    )  # fmt: skip
