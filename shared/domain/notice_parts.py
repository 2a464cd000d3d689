"""What the words of a notification are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from shared.domain.events import Event
from shared.domain.incidents import Incident, IncidentKind, open_of
from shared.domain.notifications import Severity, Signal

LONGEST_DETAIL: Final = 300
"""Characters of a reason or a detail that a sentence quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is to be said of one event, and what it does to its incident."""

    severity: Severity
    sentence: str
    next_action: str = ""
    signal: Signal = Signal.NOTE
    incident: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a notice belongs: what it does to which incident."""

    signal: Signal = Signal.NOTE
    incident: str | None = None


def opening(event: Event, incidents: Sequence[Incident], kind: IncidentKind, *, anchor: str) -> Place:
    """Open an incident of this kind, or update the one that is open: flapping opens none twice."""
    present = open_of(incidents, kind)
    if present is not None:
        return Place(signal=Signal.UPDATE, incident=present.key)
    return Place(signal=Signal.OPEN, incident=f"{event.environment}/{kind.value}/{anchor}")


def resolving(incidents: Sequence[Incident], *kinds: IncidentKind) -> Place:
    """Resolve the open incident of these kinds; a note where there is none."""
    return at(open_of(incidents, *kinds), Signal.RESOLVE)


def at(incident: Incident | None, signal: Signal = Signal.UPDATE) -> Place:
    """Do this to an incident; a note where there is none."""
    return Place(signal=signal, incident=incident.key) if incident else Place()


def text(event: Event, name: str, default: str = "") -> str:
    """Return a member of the event's data as text; what people have typed is cut."""
    value = event.data.get(name)
    return default if value is None else str(value)[:LONGEST_DETAIL]


def clock(moment: datetime) -> str:
    """Return the time of day as `20:00:01Z`."""
    return f"{moment:%H:%M:%S}Z"


def environment_call(event: Event, method: str, rest: str) -> str:
    """Return a call about the event's environment, such as `GET /api/v1/admin/environments/PRO/explain`."""
    return f"{method} /api/v1/admin/environments/{event.environment}/{rest}"


def activate(event: Event) -> str:
    """Return how to fail over by hand."""
    look = environment_call(event, "GET", "explain")
    return (
        f"Look first: {look} (runbook 1.1). "
        f"Then POST /api/v1/admin/failover/{event.environment}/activate-dr (runbook 1.4)."
    )


def fail_back(event: Event) -> str:
    """Return how to go back to the primary."""
    return (
        f"When the primary has beaten on time for the stability window (runbook 2.1): "
        f"POST /api/v1/admin/failover/{event.environment}/failback (runbook 2.2)."
    )


def operation_call(operation_id: str, verb: str = "") -> str:
    """Return a call about an operation: to look at it, or with a verb to change it."""
    path = f"/api/v1/admin/operations/{operation_id}"
    return f"POST {path}/{verb}" if verb else f"GET {path}"
