"""Incidents as one channel knows them: what it was told to be open, under which thread, and whether somebody acts.

Each channel follows the timeline at its own pace, so each has its own. An incident is known by its key, such as
`PRO/primary-failed/1767225600000000000`: environment, kind, and what began it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from shared.domain.notifications import Severity

LOUDNESS: Final = tuple(Severity)
REMINDED_FROM: Final = Severity.ERROR
"""Below it nobody has to act at once, and a reminder every quarter of an hour would teach people to look away."""
MOST_OPEN: Final = 20
"""Open incidents one channel keeps per environment; far more than there are kinds. The oldest is forgotten first."""


class IncidentKind(Enum):
    """What an incident is about; of each kind at most one is open, but for operations, which have one each."""

    PRIMARY_FAILED = "primary-failed"
    DR_FAILED = "dr-failed"  # the DR gateway died while it held the environment
    MONITOR_BLIND = "monitor-blind"
    MASS_SILENCE = "mass-silence"
    PREFLIGHT = "preflight"
    FAILOVER = "failover"
    FAILBACK = "failback"
    DRILL = "drill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One open incident of one channel."""

    key: str
    opened_at: datetime
    last_sent_at: datetime
    severity: Severity
    sentence: str  # what opened it
    next_action: str
    acknowledged: bool = False  # an operation runs
    quiet_until: datetime | None = None  # a person has paused the environment
    thread: str | None = None  # what the receiver called it
    operations: tuple[str, ...] = ()  # begun while it was open

    @property
    def kind(self) -> IncidentKind:
        """What it is about."""
        return IncidentKind(self.key.split("/")[1])

    def wants_reminder(self, now: datetime, *, reminder_s: float) -> bool:
        """Whether people are to be reminded: it is serious, nobody acts, and nothing was said of it for a while."""
        waits = self.acknowledged or not is_at_least(self.severity, REMINDED_FROM)
        quiet = self.quiet_until is not None and now < self.quiet_until
        return not waits and not quiet and now - self.last_sent_at >= timedelta(seconds=reminder_s)


def is_at_least(severity: Severity, least: Severity) -> bool:
    """Whether it is as loud as `least`, or louder."""
    return LOUDNESS.index(severity) >= LOUDNESS.index(least)


def open_of(incidents: Sequence[Incident], *kinds: IncidentKind) -> Incident | None:
    """Return the newest open incident of these kinds."""
    return next((one for one in reversed(incidents) if one.kind in kinds), None)


def by_key(incidents: Sequence[Incident], key: str | None) -> Incident | None:
    """Return the open incident with this key."""
    return next((one for one in incidents if one.key == key), None)


def of_operation(incidents: Sequence[Incident], operation_id: str) -> Incident | None:
    """Return the open incident an operation belongs to."""
    return next((one for one in reversed(incidents) if operation_id in one.operations), None)


def with_incident(incidents: Sequence[Incident], incident: Incident) -> tuple[Incident, ...]:
    """Return the incidents with this one in place of the one with its key, or as the newest."""
    if by_key(incidents, incident.key):
        return tuple(incident if one.key == incident.key else one for one in incidents)
    return (*incidents, incident)[-MOST_OPEN:]


def without_incident(incidents: Sequence[Incident], key: str | None) -> tuple[Incident, ...]:
    """Return the incidents that are still open when this one is over."""
    return tuple(one for one in incidents if one.key != key)


def acknowledged(incidents: Sequence[Incident], *, by: str, kinds: Collection[IncidentKind]) -> tuple[Incident, ...]:
    """Return the incidents with an operation at work on those of these kinds."""
    return tuple(
        replace(one, acknowledged=True, operations=(*one.operations, by))
        if one.kind in kinds and by not in one.operations
        else one
        for one in incidents
    )


def unattended(incidents: Sequence[Incident], *, operation_id: str) -> tuple[Incident, ...]:
    """Return the incidents after an operation has ended without a result: its own wait for people again."""
    return tuple(replace(one, acknowledged=False) if operation_id in one.operations else one for one in incidents)


def quiet(incidents: Sequence[Incident], until: datetime | None) -> tuple[Incident, ...]:
    """Return the incidents with reminders held back until then; None lets them go on."""
    return tuple(replace(one, quiet_until=until) for one in incidents)
