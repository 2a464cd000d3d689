"""What people are told of the things the control plane notices: silence, blindness, alerts, preflights."""

from collections.abc import Sequence

from shared.domain.events import Event
from shared.domain.health import Verdict
from shared.domain.incidents import Incident, IncidentKind, open_of
from shared.domain.notice_parts import (
    Notice,
    Place,
    activate,
    at,
    clock,
    environment_call,
    fail_back,
    opening,
    resolving,
    text,
)
from shared.domain.notifications import Severity, Signal
from shared.domain.preflight import CheckStatus

HOLDER_FAILED = (IncidentKind.PRIMARY_FAILED, IncidentKind.DR_FAILED)


def gateway_failed(event: Event, incidents: Sequence[Incident]) -> Notice:
    """The holder was marked failed: nobody works."""
    missed = text(event, "consecutive_failures", "?")
    is_dr = text(event, "role") == "dr-standby"
    kind = IncidentKind.DR_FAILED if is_dr else IncidentKind.PRIMARY_FAILED
    place = opening(event, incidents, kind, anchor=text(event, "fencing_token") or str(event.sequence))
    return Notice(
        severity=Severity.CRITICAL, signal=place.signal, incident=place.incident,
        sentence=(
            f"{event.environment}: {event.subject} FAILED at {clock(event.at)} ({missed} missed heartbeats). "
            "Nobody does its work."
        ),
        next_action=fail_back(event) if is_dr else activate(event),
        facts={"Gateway": event.subject, "Missed heartbeats": missed, "Reason": text(event, "reason")},
    )  # fmt: skip


def gateway_recovered(event: Event, incidents: Sequence[Incident]) -> Notice:
    """A failed holder is trusted again."""
    place = resolving(incidents, *HOLDER_FAILED)
    beats = text(event, "heartbeats_on_time", "?")
    return Notice(
        severity=Severity.INFO, signal=place.signal, incident=place.incident,
        sentence=(
            f"{event.environment}: {event.subject} beats again and works under a new token "
            f"({beats} heartbeats on time)."
        ),
        facts={"Gateway": event.subject},
    )  # fmt: skip


def verdict_changed(event: Event, incidents: Sequence[Incident]) -> Notice | None:
    """A verdict changed; what a mark, a recovery, a mass silence or a pause says better is not said twice."""
    if event.data.get("paused") is True:
        return None
    if event.data.get("holds_the_lock") is True:
        return _holder_changed(event, incidents)
    return _other_changed(event)


def _holder_changed(event: Event, incidents: Sequence[Incident]) -> Notice | None:
    to, before = text(event, "to"), text(event, "from")
    said, look = f"{event.environment}: {event.subject}", environment_call(event, "GET", "explain")
    if to == Verdict.UNKNOWN.value:
        if event.data.get("in_mass_silence") is True:
            return None
        place = opening(event, incidents, IncidentKind.MONITOR_BLIND, anchor=str(event.sequence))
        return Notice(
            severity=Severity.CRITICAL, signal=place.signal, incident=place.incident,
            sentence=f"{said} is silent and the health monitor has not seen enough of it: {text(event, 'reason')}. "
            "Nobody knows whether it works.",
            next_action=(
                "Check that the control plane reaches its stores and its public endpoint, and the gateway: "
                f"{look} (runbook 1.1)."
            ),
        )  # fmt: skip
    blind = open_of(incidents, IncidentKind.MONITOR_BLIND)
    if blind is not None:
        return Notice(
            severity=Severity.INFO, signal=Signal.RESOLVE, incident=blind.key,
            sentence=f"{said}: the health monitor sees again, verdict {to}.",
        )  # fmt: skip
    if to == Verdict.SUSPECT.value:
        return Notice(
            severity=Severity.INFO,
            sentence=f"{said} is late: {text(event, 'reason')}.",
            next_action=f"Nothing yet: {look}.",
        )
    if to == Verdict.HEALTHY.value and before != Verdict.UNKNOWN.value:
        place = at(open_of(incidents, *HOLDER_FAILED))
        trusted = " It is trusted again after enough heartbeats on time." if place.incident else ""
        return Notice(severity=Severity.INFO, signal=place.signal, incident=place.incident,
                      sentence=f"{said} beats again.{trusted}")  # fmt: skip
    return None


def _other_changed(event: Event) -> Notice | None:
    to, before = text(event, "to"), text(event, "from")
    said = f"{event.environment}: {event.subject}, which does not hold the environment,"
    if to == Verdict.FAILED.value:
        return Notice(
            severity=Severity.WARNING,
            sentence=f"{said} is silent: {text(event, 'reason')}.",
            next_action=f"Check it before it is needed: {environment_call(event, 'GET', 'preflight')}.",
        )
    if to == Verdict.HEALTHY.value and before == Verdict.FAILED.value:
        back = fail_back(event) if text(event, "role") == "primary" else ""
        return Notice(severity=Severity.INFO, sentence=f"{said} beats again.", next_action=back)
    return None


def mass_silence_began(event: Event, incidents: Sequence[Incident]) -> Notice:
    """Most gateways are silent; nothing is marked, nothing begins by itself."""
    place = opening(event, incidents, IncidentKind.MASS_SILENCE, anchor=str(event.sequence))
    silent, all_of_them = text(event, "silent", "?"), text(event, "environments", "?")
    return Notice(
        severity=Severity.CRITICAL, signal=place.signal, incident=place.incident,
        sentence=(
            f"MASS SILENCE since {clock(event.at)}: {silent} gateways of {all_of_them} environments fell silent "
            "together. "
            "No gateway is marked failed and nothing fails over by itself."
        ),
        next_action=(
            "Check what they share (ingress, firewall, token issuer). If it is the loss of a region, fail over each "
            "environment by hand: POST /api/v1/admin/failover/{environment}/activate-dr (runbook 1.1)."
        ),
        facts={"Silent": silent, "Environments": all_of_them},
    )  # fmt: skip


def mass_silence_ended(event: Event, incidents: Sequence[Incident]) -> Notice:
    """Most gateways are back."""
    place = resolving(incidents, IncidentKind.MASS_SILENCE)
    return Notice(
        severity=Severity.INFO, signal=place.signal, incident=place.incident,
        sentence=f"The mass silence ended at {clock(event.at)}. The silence of those still missing counts from now on.",
        next_action="GET /api/v1/admin/gateway-health shows who is still silent (runbook 1.1).",
    )  # fmt: skip


def alert_received(event: Event, incidents: Sequence[Incident]) -> Notice:
    """Azure Monitor brought an alert; it has told people itself."""
    place = (
        at(open_of(incidents, IncidentKind.PRIMARY_FAILED)) if text(event, "intent") == "primary-failed" else Place()
    )
    rule, condition = text(event, "rule") or event.subject, text(event, "condition").lower()
    stale = " It came too late to count." if event.data.get("stale") is True else ""
    return Notice(
        severity=Severity.INFO, signal=place.signal, incident=place.incident,
        sentence=f"{event.environment}: Azure Monitor's alert {rule} is {condition}.{stale}",
        facts={"Intent": text(event, "intent"), "Azure's severity": text(event, "severity")},
    )  # fmt: skip


def automatic_decided(event: Event, incidents: Sequence[Incident]) -> Notice:
    """Whether a failover begins without a person was decided."""
    place, outcome = at(open_of(incidents, IncidentKind.PRIMARY_FAILED)), text(event, "outcome")
    broken = event.data.get("broken")
    rules = ", ".join(str(rule) for rule in broken) if isinstance(broken, list) else ""
    said = {
        "start": "an automatic failover begins: Azure Monitor and the health monitor agree.",
        "would_start": "an automatic failover would have begun; the mode only observes. A person has to act.",
    }.get(outcome, f"no failover begins by itself ({rules}). A person has to act.")
    return Notice(
        severity=Severity.WARNING, signal=place.signal, incident=place.incident,
        sentence=f"{event.environment}: {said}",
        next_action="" if outcome == "start" else activate(event),
        facts={"Decision": outcome},
    )  # fmt: skip


def preflight_changed(event: Event, incidents: Sequence[Incident]) -> Notice | None:
    """The readiness of a failover changed."""
    failing = event.data.get("failing")
    checks = [f"{name}: {why}" for name, why in failing.items()] if isinstance(failing, dict) else []
    if text(event, "status") == CheckStatus.PASS.value:
        open_one = open_of(incidents, IncidentKind.PREFLIGHT)
        if open_one is None:
            return None
        return Notice(
            severity=Severity.INFO, signal=Signal.RESOLVE, incident=open_one.key,
            sentence=f"{event.environment}: every preflight check passes; a failover would work.",
        )  # fmt: skip
    place = opening(event, incidents, IncidentKind.PREFLIGHT, anchor=str(event.sequence))
    fails = text(event, "status") == CheckStatus.FAIL.value
    doubt = "a failover would not work now" if fails else "a failover may not work as it should"
    return Notice(
        severity=Severity.WARNING, signal=place.signal, incident=place.incident,
        sentence=f"{event.environment}: {doubt}; {len(checks)} preflight checks do not pass.",
        next_action=f"{environment_call(event, 'GET', 'preflight')} says what to do about each.",
        facts=dict(check.split(": ", 1) for check in checks),
    )  # fmt: skip


def cluster_prewarmed(event: Event, incidents: Sequence[Incident]) -> Notice:
    """The DR cluster was started on suspicion."""
    place = at(open_of(incidents, IncidentKind.PRIMARY_FAILED))
    return Notice(
        severity=Severity.INFO, signal=place.signal, incident=place.incident,
        sentence=(
            f"{event.environment}: the DR cluster is being started on suspicion ({text(event, 'reason')}). "
            "It grants nothing."
        ),
    )  # fmt: skip


def fence_raised(event: Event, incidents: Sequence[Incident]) -> Notice | None:
    """A new token stands in PostgreSQL; the former holder's tasks were handed back."""
    doubt = event.data.get("in_doubt")
    place = at(open_of(incidents, *HOLDER_FAILED, IncidentKind.FAILOVER, IncidentKind.FAILBACK))
    if isinstance(doubt, int) and doubt > 0:
        return Notice(
            severity=Severity.WARNING, signal=place.signal, incident=place.incident,
            sentence=f"{event.environment}: {doubt} tasks are in doubt; none is repeated before a person has decided.",
            next_action=(
                f"GET /api/v1/admin/tasks?environment={event.environment}&status=in_doubt, then "
                "POST /api/v1/admin/tasks/{task_id}/resolve for each (runbook 3)."
            ),
        )  # fmt: skip
    if place.incident is None:
        return None
    return Notice(
        severity=Severity.INFO, signal=place.signal, incident=place.incident,
        sentence=f"{event.environment}: the fence was raised for {event.subject}; "
        f"{text(event, 'requeued', '0')} unfinished tasks are queued again.",
    )  # fmt: skip
