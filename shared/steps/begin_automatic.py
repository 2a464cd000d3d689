"""Begins failovers that no person asked for: decide, take a place, register at the version that was judged.

The places are one row that is only written at the version that was read, so never more are taken than the policy has,
whatever the number of instances. A place is free again only when its operation has ended or can no longer begin: its
write is conditional on one version of the lock, and that version is gone (ADR 0021).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared.domain.alerts import Alert
from shared.domain.automatic import AUTOMATIC, AutomaticDecision, AutomaticRun, AutomaticRuns, Outcome, decide_automatic
from shared.domain.events import EventType
from shared.domain.failover import Snapshot, health_of
from shared.domain.faults import Conflict, Unavailable
from shared.domain.locks import Versioned
from shared.domain.operations import OperationKind, OperationRequest
from shared.domain.refusals import JsonValue
from shared.ports import Ports
from shared.steps.automatic_places import give_back, make_sure_of_unclear, take_place, without_ended
from shared.steps.begin_operation import as_registered, register_judged
from shared.steps.observe import observe
from shared.steps.timeline import tell
from shared.telemetry import log, warn

TRIES: Final = 5
"""How often another environment may take a place under us; after that the monitor's next tick tries again."""
MOST_ALERTS: Final = 500
REASON_LENGTH: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomaticJudgement:
    """A decision with what it was made over."""

    seen: Snapshot
    decision: AutomaticDecision
    runs: AutomaticRuns
    stored: Versioned[AutomaticRuns] | None
    alerts: Sequence[Alert]


def automatic_failovers(ports: Ports, environments: Sequence[str]) -> list[OperationRequest]:
    """Return the failovers that have begun by themselves in these environments; their orchestrations are to be started.

    One that cannot be judged now is left to the next tick.
    """
    begun = []
    for name in environments:
        try:
            request = begin_automatic(ports, name)
        except (Unavailable, Conflict) as outage:
            warn("failover.not_judged", environment=name, detail=str(outage))
            continue
        if request is not None:
            begun.append(request)
    return begun


def begin_automatic(ports: Ports, environment: str) -> OperationRequest | None:
    """Begin a failover if every rule of `decide_automatic` holds; tell what was decided either way, once.

    Raises:
        UnknownEnvironment: It is not declared.
        Unavailable: A store did not answer. A place may be taken for an operation that never begins; it is given back
            by whoever finds it so.
    """
    operation_id = ports.ids.operation_id(environment)
    for _ in range(TRIES):
        judged = judge_automatic(ports, environment)
        if judged.decision.outcome is Outcome.NO and judged.runs.running:
            # The one thing that may keep others out for no reason is a place that nobody uses.
            make_sure_of_unclear(ports, judged.runs)
        allowed = judged.decision.allowed
        if allowed is None:
            _tell(ports, judged)
            return None
        request = as_registered(_request(judged, operation_id), allowed.lock.value)
        run = AutomaticRun(
            environment=environment, operation_id=operation_id, lock_etag=allowed.lock.etag,
            began_at=request.requested_at,
        )  # fmt: skip
        if not take_place(ports, judged.stored, judged.runs.with_run(run), run):
            continue
        if not register_judged(ports, request, allowed.lock):
            # The lock has changed, so our write can never land; whoever changed it may have switched this off.
            give_back(ports, run)
            return None
        _tell(ports, judged)
        return request
    return None


def judge_automatic(ports: Ports, environment: str) -> AutomaticJudgement:
    """Return what would be decided now, over fresh reads; changes nothing."""
    seen, stored = observe(ports, environment), ports.automatic.read()
    runs = without_ended(ports, stored.value if stored else AutomaticRuns())
    since = seen.now - timedelta(seconds=ports.policy.alert_age_limit_s)
    alerts = ports.alerts.evidence(environment, since=since, limit=MOST_ALERTS)
    decision = decide_automatic(seen, alerts, runs, ports.policy)
    return AutomaticJudgement(seen=seen, decision=decision, runs=runs, stored=stored, alerts=alerts)


def _request(judged: AutomaticJudgement, operation_id: str) -> OperationRequest:
    primary, inputs = judged.seen.primary, {rule.name: rule.inputs for rule in judged.decision.rules}
    silence = str(inputs["primary_is_marked_failed"]["reason"])
    alert = inputs["azure_monitor_says_so"]
    return OperationRequest(
        id=operation_id,
        kind=OperationKind.FAILOVER,
        environment=judged.seen.environment,
        requested_by=AUTOMATIC,
        requested_at=judged.seen.now,
        reason=(
            f"HealthMonitor: {primary.id if primary else ''} {silence}. Azure Monitor: {alert['rule']} {alert['why']}"
        )[:REASON_LENGTH],
        traceparent=next((one.traceparent for one in judged.alerts if one.id == alert["alert"]), ""),
    )


def _tell(ports: Ports, judged: AutomaticJudgement) -> None:
    """Tell the decision, once as long as the same rules break under the same token."""
    seen, decision = judged.seen, judged.decision
    lock = seen.lock.value if seen.lock else None
    broken = [rule.name for rule in decision.broken]
    log("failover.automatic_decided", environment=seen.environment, outcome=decision.outcome.value, broken=[*broken])
    data: dict[str, JsonValue] = {
        "outcome": decision.outcome.value,
        "verdict": health_of(seen.primary, seen, ports.policy).verdict.value if seen.primary else None,
        "broken": [*broken],
        "rules": [rule.to_json() for rule in decision.rules],
    }
    told_as = f"auto/{lock.token if lock else 0}/{decision.outcome.value}/{'+'.join(broken)}"
    tell(
        ports, seen.environment, event_id=told_as,
        type=EventType.AUTOMATIC_DECIDED, subject=seen.environment, data=data,
    )  # fmt: skip
