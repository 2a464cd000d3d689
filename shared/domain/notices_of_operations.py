"""What people are told of operations, and of what people themselves have decided."""

from collections.abc import Sequence
from typing import Final

from shared.domain.events import Event
from shared.domain.incidents import Incident, IncidentKind, of_operation, open_of
from shared.domain.notice_parts import (
    Notice,
    Place,
    activate,
    at,
    environment_call,
    fail_back,
    operation_call,
    text,
)
from shared.domain.notifications import Severity, Signal
from shared.domain.operations import OperationKind, StepStatus

JOINS: Final = {
    # A failover acts on the primary's failure, a failback on that of a DR gateway; each also takes up an earlier try.
    OperationKind.FAILOVER.value: (IncidentKind.PRIMARY_FAILED, IncidentKind.FAILOVER),
    OperationKind.FAILBACK.value: (IncidentKind.DR_FAILED, IncidentKind.FAILBACK),
    OperationKind.DRILL.value: (),
    OperationKind.STOP_DR_CLUSTER.value: (),
}
OWN: Final = {
    OperationKind.FAILOVER.value: IncidentKind.FAILOVER,
    OperationKind.FAILBACK.value: IncidentKind.FAILBACK,
    OperationKind.DRILL.value: IncidentKind.DRILL,
}
CALLED: Final = {kind.value: kind.value.replace("_dr_", " of the DR ").replace("_", " ") for kind in OperationKind}
MOVES: Final = (OperationKind.FAILOVER.value, OperationKind.FAILBACK.value)


def begun(event: Event, incidents: Sequence[Incident]) -> Notice:
    """An operation began: whoever asked for it acts."""
    kind, by = text(event, "operation"), text(event, "requested_by", "?")
    place = _begun_at(event, incidents, kind)
    reason = text(event, "reason")
    return Notice(
        severity=Severity.WARNING if kind in MOVES else Severity.INFO, signal=place.signal, incident=place.incident,
        sentence=f"{_said(event, kind)} was begun by {by}" + (f": {reason}" if reason else "."),
        next_action=f"{operation_call(event.subject)} shows its steps.",
        facts={"Operation": event.subject, "Requested by": by},
    )  # fmt: skip


def _begun_at(event: Event, incidents: Sequence[Incident], kind: str) -> Place:
    joined = open_of(incidents, *JOINS.get(kind, ()))
    if joined is not None:
        return at(joined, Signal.ACKNOWLEDGE)
    own = OWN.get(kind)
    if own is None:
        return Place()
    return Place(signal=Signal.OPEN, incident=f"{event.environment}/{own.value}/{event.subject}")


def succeeded(event: Event, incidents: Sequence[Incident]) -> Notice:
    """An operation did what it was begun for; a change of holder is loud, whoever wanted it."""
    kind = text(event, "operation")
    place = at(of_operation(incidents, event.subject), Signal.RESOLVE)
    if kind == OperationKind.FAILOVER.value:
        return Notice(
            severity=Severity.CRITICAL, signal=place.signal, incident=place.incident,
            sentence=f"{event.environment} runs on its DR gateway: the failover succeeded. There is no standby now.",
            next_action=fail_back(event), facts={"Operation": event.subject},
        )  # fmt: skip
    back = f"{event.environment} runs on its primary again: the failback succeeded."
    return Notice(
        severity=Severity.INFO, signal=place.signal, incident=place.incident,
        sentence=back if kind == OperationKind.FAILBACK.value else f"{_said(event, kind)} succeeded.",
        facts={"Operation": event.subject},
    )  # fmt: skip


def failed(event: Event, incidents: Sequence[Incident]) -> Notice:
    """An operation failed: its incident waits for people again; a drill's is over with it."""
    kind = text(event, "operation")
    belongs, over = of_operation(incidents, event.subject), kind not in MOVES
    place = at(belongs, Signal.RESOLVE if over else Signal.UPDATE)
    nobody_works = belongs is not None and belongs.kind in (IncidentKind.PRIMARY_FAILED, IncidentKind.DR_FAILED)
    why = text(event, "message") or text(event, "code") or "no reason was recorded"
    retry = f" Then {operation_call(event.subject, 'retry')}." if not over else ""
    return Notice(
        severity=Severity.CRITICAL if nobody_works else Severity.ERROR, signal=place.signal, incident=place.incident,
        sentence=f"{_said(event, kind)} FAILED: {why}." + (" Nobody does the gateway's work." if nobody_works else ""),
        next_action=f"{operation_call(event.subject)} shows at which step and what was left.{retry}",
        facts={"Operation": event.subject, "Code": text(event, "code")},
    )  # fmt: skip


def cancelled(event: Event, incidents: Sequence[Incident]) -> Notice:
    """A person stopped an operation before anything moved; what it was begun for is still there."""
    kind, belongs = text(event, "operation"), of_operation(incidents, event.subject)
    own = belongs is not None and belongs.key.endswith(f"/{event.subject}")
    place = at(belongs, Signal.RESOLVE if own else Signal.UPDATE)
    left = not own and belongs is not None
    return Notice(
        severity=Severity.WARNING, signal=place.signal, incident=place.incident,
        sentence=f"{_said(event, kind)} was cancelled; nothing has moved."
        + (" Nobody does the gateway's work." if left else ""),
        next_action=activate(event) if left and kind == OperationKind.FAILOVER.value else "",
        facts={"Operation": event.subject},
    )  # fmt: skip


def forced(event: Event, incidents: Sequence[Incident]) -> Notice:
    """A failover over what is known of the primary: loud, always."""
    place = at(of_operation(incidents, event.subject))
    return Notice(
        severity=Severity.CRITICAL, signal=place.signal, incident=place.incident,
        sentence=(
            f"{event.environment}: a FORCED failover was begun by {text(event, 'requested_by', '?')}: "
            f"{text(event, 'reason')}"
        ),
        next_action=f"If this is not wanted: {operation_call(event.subject, 'cancel')} before it moves the lock.",
        facts={"Operation": event.subject, "Risk": text(event, "risk")},
    )  # fmt: skip


def waiting_approval(event: Event, incidents: Sequence[Incident]) -> Notice:
    """Nothing happens before a second administrator says yes."""
    kind, place = text(event, "operation"), at(of_operation(incidents, event.subject))
    return Notice(
        severity=Severity.ERROR if kind in MOVES else Severity.WARNING, signal=place.signal, incident=place.incident,
        sentence=f"{_said(event, kind)} waits for another administrator than {text(event, 'requested_by', '?')} "
        f"until {text(event, 'ends_at')}. Nothing moves before.",
        next_action=f"{operation_call(event.subject, 'approve')}, as another administrator.",
        facts={"Operation": event.subject, "Reason": text(event, "reason")},
    )  # fmt: skip


def approved(event: Event, incidents: Sequence[Incident]) -> Notice:
    """The second administrator said yes."""
    return _update(event, incidents, Severity.INFO, f"was approved by {text(event, 'by', '?')} and goes on.")


def cancel_requested(event: Event, incidents: Sequence[Incident]) -> Notice:
    """A person wants the operation to end; nothing will move."""
    return _update(event, incidents, Severity.WARNING, f"is being cancelled by {text(event, 'by', '?')}.")


def step_skipped(event: Event, incidents: Sequence[Incident]) -> Notice:
    """A person left a step out, and something stays unknown."""
    said = f"goes on without {text(event, 'step')}, as {text(event, 'by', '?')} wants: {text(event, 'unknown')}"
    return _update(event, incidents, Severity.WARNING, said)


def drill_abort_requested(event: Event, incidents: Sequence[Incident]) -> Notice:
    """A person wants the drill to end early."""
    place = at(of_operation(incidents, event.subject))
    by = text(event, "requested_by", "?")
    return Notice(severity=Severity.INFO, signal=place.signal, incident=place.incident,
                  sentence=f"{event.environment}: the drill is aborted by {by}; its cluster is stopped.")  # fmt: skip


def step_ended(event: Event, incidents: Sequence[Incident]) -> Notice | None:
    """A step of an operation people follow; the end of the operation itself is told anyway."""
    belongs = of_operation(incidents, event.subject)
    if belongs is None:
        return None
    kind, ended, runbook = text(event, "operation"), text(event, "status"), text(event, "runbook")
    section = f" (runbook {runbook})" if runbook else ""
    detail = text(event, "detail")
    place = at(belongs)
    return Notice(
        severity=Severity.WARNING if ended == StepStatus.FAILED.value else Severity.INFO,
        signal=place.signal, incident=place.incident,
        sentence=f"{_said(event, kind)}: {text(event, 'step')}{section} {ended}" + (f": {detail}" if detail else "."),
    )  # fmt: skip


def modes_changed(event: Event, incidents: Sequence[Incident]) -> Notice:
    """What may begin by itself has changed."""
    del incidents
    after = event.data.get("after")
    modes = ", ".join(f"{name} {value}" for name, value in after.items() if value) if isinstance(after, dict) else ""
    return Notice(
        severity=Severity.INFO,
        sentence=f"{event.environment}: the modes were changed by {text(event, 'requested_by', '?')}: {modes}.",
    )


def paused(event: Event, incidents: Sequence[Incident]) -> Notice:
    """Until the end of the pause nothing is marked and nothing begins by itself."""
    del incidents
    return Notice(
        severity=Severity.WARNING,
        sentence=f"{event.environment}: PAUSED by {text(event, 'requested_by', '?')} until {paused_until(event)}: "
        f"{text(event, 'reason')} Nothing is marked failed meanwhile, and nobody is reminded.",
        next_action=f"{environment_call(event, 'POST', 'resume')} ends it earlier.",
    )


def resumed(event: Event, incidents: Sequence[Incident]) -> Notice:
    """The pause is over."""
    del incidents
    by = text(event, "requested_by", "?")
    return Notice(severity=Severity.INFO, sentence=f"{event.environment}: the pause was ended by {by}.")


def paused_until(event: Event) -> str:
    """Return the end of the pause as the event tells it."""
    after = event.data.get("after")
    until = after.get("paused_until") if isinstance(after, dict) else None
    return str(until) if until else "it is resumed"


def _update(event: Event, incidents: Sequence[Incident], severity: Severity, said: str) -> Notice:
    place = at(of_operation(incidents, event.subject))
    return Notice(
        severity=severity, signal=place.signal, incident=place.incident,
        sentence=f"{_said(event, text(event, 'operation'))} {said}",
        facts={"Operation": event.subject, "Reason": text(event, "reason")},
    )  # fmt: skip


def _said(event: Event, kind: str) -> str:
    return f"{event.environment}: the {CALLED.get(kind, kind)} {event.subject}"
