"""Alerts from Azure Monitor: evidence about an environment, never an order.

Two custom properties of its rule, `environment` and `intent`, say what an alert is about and what it means. Nothing is
concluded from the names of rules or from the resources they watch. Sources: Azure Monitor, "Common alert schema"; R14.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from shared.domain.refusals import JsonValue

PRIMARY_FAILED: Final = "primary-failed"
"""Intent of a rule that has found the primary gateway dead."""
PRIMARY_RECOVERED: Final = "primary-recovered"
"""Intent of a rule that has found it alive again; takes away from earlier alerts, and never fails back."""


class AlertCondition(Enum):
    """`monitorCondition`."""

    FIRED = "Fired"
    RESOLVED = "Resolved"


class AlertKind(Enum):
    """Which service found it, as far as its payload tells."""

    METRIC = "metric"
    LOG = "log"
    ACTIVITY_LOG = "activity_log"
    SERVICE_HEALTH = "service_health"
    RESOURCE_HEALTH = "resource_health"
    AVAILABILITY = "availability"
    PROMETHEUS = "prometheus"
    COST = "cost"
    OTHER = "other"


class Taken(Enum):
    """What became of a delivery."""

    ACCEPTED = "accepted"  # kept, and current
    STALE = "stale"  # kept, and too old to be acted on
    DUPLICATE = "duplicate"  # kept before, in this condition
    UNASSIGNED = "unassigned"  # names no environment of ours: logged, and kept nowhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One delivery of an alert. `id` is opaque; `fired_at` is Azure's clock, `received_at` the receiver's."""

    id: str
    condition: AlertCondition
    environment: str  # as the rule's custom property says; empty when it says nothing
    intent: str
    kind: AlertKind
    received_at: datetime
    fired_at: datetime | None = None
    recovered: bool = False  # stateless kinds never send Resolved; their context tells that it is over
    rule: str = ""
    severity: str = ""
    details: Mapping[str, JsonValue] = field(default_factory=dict)
    traceparent: str = ""  # of the call that brought it (W3C Trace Context); empty: there was none

    @property
    def key(self) -> str:
        """What is the same for every delivery of this alert in this condition, and for no other."""
        text = f"{self.id}\n{self.condition.value}"
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:40]

    @property
    def at(self) -> datetime:
        """When it fired; a time in the future, or none, is taken for the time of receipt."""
        return min(self.fired_at, self.received_at) if self.fired_at else self.received_at

    @property
    def is_evidence(self) -> bool:
        """Whether it is about the primary being dead or alive."""
        return self.intent in (PRIMARY_FAILED, PRIMARY_RECOVERED)

    @property
    def accuses(self) -> bool:
        """Whether it says, now, that the primary is dead."""
        return self.intent == PRIMARY_FAILED and self.condition is AlertCondition.FIRED and not self.recovered

    def is_stale(self, now: datetime, *, age_limit_s: float) -> bool:
        """Whether it is too old to be acted on."""
        return now - self.at > timedelta(seconds=age_limit_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accusation:
    """What a set of alerts comes to: the newest one that stands, or why none does."""

    alert: Alert | None
    why: str


def accusation(alerts: Sequence[Alert], *, reign_began_at: datetime, now: datetime, age_limit_s: float) -> Accusation:
    """Return the newest alert that says the primary is dead and has not been taken back.

    Args:
        alerts: Those of one environment, in any order.
        reign_began_at: When the present token was granted; an older alert is about an outage that is over.
    """
    newest_first = sorted((a for a in alerts if a.accuses), key=lambda alert: alert.received_at, reverse=True)
    if not newest_first:
        return Accusation(alert=None, why=f"no alert with intent {PRIMARY_FAILED} has fired lately")
    reasons = []
    for alert in newest_first:
        if alert.is_stale(now, age_limit_s=age_limit_s):
            reasons.append(f"fired more than {age_limit_s:g} s ago")
        elif alert.at < reign_began_at:
            reasons.append("fired before the present holder was given the lock")
        elif any(_takes_back(other, alert) for other in alerts):
            reasons.append("has been resolved")
        else:
            return Accusation(alert=alert, why=f"fired at {alert.at.isoformat()} and not resolved since")
    return Accusation(alert=None, why=f"the newest alert {reasons[0]}")


def _takes_back(other: Alert, accusing: Alert) -> bool:
    if other.condition is AlertCondition.RESOLVED:
        return other.id == accusing.id
    later = other.received_at >= accusing.received_at
    if other.intent == PRIMARY_RECOVERED:
        return later
    # A stateless rule tells the end of what it found by another alert, with another id.
    return other.recovered and later and bool(other.rule) and other.rule == accusing.rule
