"""Takes an alert in: keeps it once, tells the environment's timeline, lists it as evidence. Acts on nothing."""

from shared.domain.alerts import Alert, Taken
from shared.domain.events import EventType
from shared.domain.faults import Conflict, LockStoreUnavailable, OutcomeUnknown
from shared.ports import Ports
from shared.steps.timeline import record_event
from shared.telemetry import log, warn

SUBJECT_LENGTH = 256


def take_alert(ports: Ports, alert: Alert) -> Taken:
    """Record the alert; of any number of deliveries the first counts, and one that broke off is completed.

    Raises:
        LockStoreUnavailable, OutcomeUnknown: It is not known to be recorded; the sender should repeat it.
    """
    if alert.environment not in ports.environments:
        # The rule is ours to mend; sending it again would change nothing.
        warn("alert.unassigned", alert=alert.id[:SUBJECT_LENGTH], rule=alert.rule, environment=alert.environment)
        return Taken.UNASSIGNED
    kept, first = _kept(ports, alert)
    stale = kept.is_stale(kept.received_at, age_limit_s=ports.policy.alert_age_limit_s)
    taken = Taken.STALE if stale else Taken.ACCEPTED
    if first:
        _tell(ports, kept, taken)
        if kept.is_evidence and not _list(ports, kept):
            return Taken.DUPLICATE  # another delivery came meanwhile and completed this one
    elif kept.is_evidence:
        if not _list(ports, kept):
            return Taken.DUPLICATE
        # The delivery that kept it broke off: this one completes it.
        _tell(ports, kept, taken)
    else:
        _tell(ports, kept, taken)
        return Taken.DUPLICATE
    log("alert.received", environment=kept.environment, intent=kept.intent, condition=kept.condition.value,
        kind=kept.kind.value, outcome=taken.value)  # fmt: skip
    return taken


def _kept(ports: Ports, alert: Alert) -> tuple[Alert, bool]:
    try:
        ports.alerts.insert(alert)
    except (Conflict, OutcomeUnknown):
        found = ports.alerts.read(alert.environment, alert.key)
        if found is None:
            raise LockStoreUnavailable("the alert is not known to be kept") from None
        return found, False
    return alert, True


def _list(ports: Ports, alert: Alert) -> bool:
    """List the alert as evidence; return whether it was not listed before."""
    try:
        ports.alerts.list_as_evidence(alert)
    except Conflict:
        return False
    return True


def _tell(ports: Ports, alert: Alert, taken: Taken) -> None:
    try:
        record_event(
            ports, alert.environment, event_id=f"alert/{alert.key}", type=EventType.ALERT_RECEIVED,
            subject=alert.id[:SUBJECT_LENGTH],
            data={
                "condition": alert.condition.value, "intent": alert.intent, "kind": alert.kind.value,
                "rule": alert.rule, "severity": alert.severity, "recovered": alert.recovered,
                "fired_at": alert.fired_at.isoformat() if alert.fired_at else None, "stale": taken is Taken.STALE,
                "details": dict(alert.details),
            },
        )  # fmt: skip
    except Conflict as crowded:
        # A storm of alerts is the moment in which evidence counts more than its place in the timeline.
        warn("event.not_recorded", environment=alert.environment, detail=str(crowded))
