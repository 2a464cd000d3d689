"""The steps of a drill (runbook 1.2, 1.3, 1.6 rehearsed). None of them writes the lock, the fence or a task."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from shared.domain.canaries import asked, withdrawn
from shared.domain.drills import DrillPhase, DrillSlot, ended, rehearsed, unrest
from shared.domain.environments import Role
from shared.domain.faults import Conflict, LockStoreUnavailable, OutcomeUnknown
from shared.domain.gateways import CanaryStatus, Gateway, with_role
from shared.domain.locks import EnvironmentLock, Versioned
from shared.domain.refusals import JsonValue, RefusalCode
from shared.flows.commands import StepOutcome, StepResult
from shared.ports import Ports
from shared.steps.cluster_power import NOT_ALLOWED
from shared.steps.context import StepContext, describe
from shared.steps.drill_slot import replace_slot, running_drill, set_phase

TRIES: Final = 10
CANARY_CONFIG: Final[Mapping[str, JsonValue]] = {"name": "drill-canary", "disposable": True}
"""What the DR gateway rotates: a secret of its own in a drill namespace, which nothing reads."""


def gives_way(context: StepContext, slot: DrillSlot) -> StepResult | None:
    """Return what ends a rehearsal: a person aborted it, or the environment may need its DR cluster; else None."""
    if slot.abort_reason:
        return context.failed(RefusalCode.DRILL_ABORTED, slot.abort_reason)
    why = _unrest(context, context.lock.value)
    return context.failed(RefusalCode.DRILL_YIELDED, why) if why else None


def verify_drill(context: StepContext) -> StepResult:
    """Say what the rehearsal begins with."""
    state = context.ports.clusters.state(context.environment.dr_cluster)
    return context.done(f"{context.lock.value.holder} holds the lock; DR cluster is {state.describe()}")


def run_canary(context: StepContext) -> StepResult:
    """Ask the DR gateway for one disposable rotation and wait for its report (runbook 1.6)."""
    policy = context.ports.policy
    found = _dr_gateway(context)
    if found is None:
        return context.failed(RefusalCode.DR_GATEWAY_NOT_REGISTERED, "no gateway with role dr-standby")
    ordered = asked(found.value, drill_id=context.request.id, config=CANARY_CONFIG, now=context.now)
    if ordered is not found.value:
        _store(context.ports, ordered, etag=found.etag)
        return context.waiting(f"canary asked of {ordered.id}", retry_after_s=policy.gateway_poll_s)
    canary = ordered.canary
    assert canary is not None
    if canary.status is CanaryStatus.SUCCEEDED:
        return context.done(f"{ordered.id} rotated the canary", result=dict(canary.result))
    if canary.status is CanaryStatus.FAILED:
        return context.failed(RefusalCode.CANARY_FAILED, f"{ordered.id} failed", result=dict(canary.result))
    if context.waited_s > policy.canary_timeout_s:
        return context.failed(RefusalCode.CANARY_FAILED, f"{ordered.id} did not report within the time-out")
    return context.waiting(f"waiting for the canary of {ordered.id}", retry_after_s=policy.gateway_poll_s)


def stop_after_drill(context: StepContext) -> StepResult:
    """Stop the cluster the drill started, unless and until the environment needs it.

    The slot says STOPPING before the lock is read for the last time, and a failover reads the slot after it is in
    the lock: one of the two sees the other (`domain/drills.py`).
    """
    policy, clusters = context.ports.policy, context.ports.clusters
    found = running_drill(context.ports, context.request)
    if found is None:
        return context.failed(RefusalCode.NOT_RUNNING_OPERATION, f"{context.request.id} is not running")
    stopping = _rehearsal_over(context, found)
    if stopping is None:
        return context.waiting("the drill slot changed", retry_after_s=0.0)
    lock = context.ports.locks.read(context.environment.name)
    why = _unrest(context, lock.value) if lock else "the environment lock is missing"
    if why:
        return _yielded(context, stopping, lock.value if lock else None, why)
    state = clusters.state(context.environment.dr_cluster)
    if state.stopped:
        return context.done(f"cluster is {state.describe()}")
    if state.in_transition:
        return context.waiting(f"cluster is {state.describe()}", retry_after_s=policy.cluster_poll_s)
    if not _stop_is_sent(context, stopping):
        return context.waiting("the drill slot changed", retry_after_s=0.0)
    request = clusters.begin_stop(context.environment.dr_cluster)
    if request.accepted or request.error_code == NOT_ALLOWED:
        return context.waiting(
            "stop accepted" if request.accepted else request.message, retry_after_s=policy.cluster_poll_s
        )
    detail = f"{request.error_code}: {request.message}"
    return context.failed(RefusalCode.CLUSTER_STOP_FAILED, detail, error_code=request.error_code, **describe(state))


def after_rehearsal(context: StepContext, slot: DrillSlot) -> StepResult | None:
    """Return how a rehearsal ended that is over, for a host that lost its history and runs it anew; else None."""
    if slot.phase is DrillPhase.RUNNING:
        return None
    if slot.rehearsal_error:
        return StepResult(outcome=StepOutcome.STOPPED, detail="rehearsed already", error=slot.rehearsal_error)
    return context.done("rehearsed already")


def leave_slot(context: StepContext, *, succeeded: bool) -> bool:
    """Withdraw the canary and end the drill in its slot; False when the slot changed meanwhile."""
    gateway = _dr_gateway(context)
    if gateway is not None:
        cleared = withdrawn(gateway.value, drill_id=context.request.id)
        if cleared is not gateway.value:
            _store(context.ports, cleared, etag=gateway.etag)
    found = running_drill(context.ports, context.request)
    if found is None:
        return True
    slot = ended(found.value, succeeded=succeeded, now=context.now, write_id=f"{context.request.id}/finish")
    return replace_slot(context.ports, slot, etag=found.etag) is not None


def _yielded(
    context: StepContext, stopping: Versioned[DrillSlot], lock: EnvironmentLock | None, why: str
) -> StepResult:
    poll_s = context.ports.policy.cluster_poll_s
    sent_at = stopping.value.stop_sent_at
    state = context.ports.clusters.state(context.environment.dr_cluster)
    if sent_at is not None and state.ready and (context.now - sent_at).total_seconds() < 2 * poll_s:
        # Azure may still show the state from before the stop: a failover must not take it for a running cluster.
        return context.waiting(f"{why}; the stop that was sent is not seen yet", retry_after_s=poll_s)
    if set_phase(context.ports, context.request, stopping, DrillPhase.YIELDED) is None:
        return context.waiting("the drill slot changed", retry_after_s=0.0)
    holds = lock is not None and lock.holder is not None and _role_of_holder(context, lock) is Role.DR_STANDBY
    if holds:
        return context.done("the cluster is left to the DR gateway, which holds the lock")
    return context.waiting(f"the cluster is left alone: {why}", retry_after_s=poll_s)


def _rehearsal_over(context: StepContext, found: Versioned[DrillSlot]) -> Versioned[DrillSlot] | None:
    if found.value.phase is DrillPhase.RUNNING:
        write_id = f"{context.request.id}/rehearsed/{context.ports.ids.unique()}"
        over = rehearsed(found.value, error=context.args.get("error") or {}, write_id=write_id)
        return replace_slot(context.ports, over, etag=found.etag)
    return set_phase(context.ports, context.request, found, DrillPhase.STOPPING)


def _stop_is_sent(context: StepContext, stopping: Versioned[DrillSlot]) -> bool:
    """Write down that a stop is sent, before it is: its answer may be lost."""
    slot = replace(
        stopping.value,
        stop_sent_at=context.ports.clock.now(),
        written_by=f"{context.request.id}/stop/{context.ports.ids.unique()}",
    )
    return replace_slot(context.ports, slot, etag=stopping.etag) is not None


def _unrest(context: StepContext, lock: EnvironmentLock) -> str:
    gateways = context.ports.gateways.list(context.environment.name)
    primary = with_role(gateways, Role.PRIMARY)
    return unrest(lock, primary_id=primary.id if primary else None)


def _role_of_holder(context: StepContext, lock: EnvironmentLock) -> Role | None:
    gateways = context.ports.gateways.list(context.environment.name)
    return next((gateway.role for gateway in gateways if gateway.id == lock.holder), None)


def _dr_gateway(context: StepContext) -> Versioned[Gateway] | None:
    name = context.environment.name
    dr = with_role(context.ports.gateways.list(name), Role.DR_STANDBY)
    return context.ports.gateways.read(name, dr.id) if dr else None


def _store(ports: Ports, gateway: Gateway, *, etag: str) -> None:
    """Write the registration; a heartbeat may come first, and then the step looks again."""
    try:
        ports.gateways.replace(gateway, etag=etag)
    except (Conflict, OutcomeUnknown) as answer:
        raise LockStoreUnavailable(f"the registration changed: {answer}") from answer
