"""The steps that look and decide, and change nothing (runbook 1.1, 1.3, 1.5, 1.6, 2.1, 2.3)."""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.failover import Allowed, Decision, decide_activation, decide_failback
from shared.domain.faults import DatabaseUnavailable, OutcomeUnknown
from shared.domain.gateways import Gateway
from shared.domain.health import is_fresh
from shared.domain.operations import OperationKind
from shared.domain.refusals import RefusalCode, Refused
from shared.flows.commands import StepResult
from shared.steps.context import StepContext
from shared.steps.observe import observe, primary_cluster_state


def decide(context: StepContext) -> Decision:
    """Return the decision on the operation's own kind over a fresh snapshot."""
    snapshot = observe(context.ports, context.environment.name)
    if context.request.kind is OperationKind.FAILBACK:
        snapshot = replace(snapshot, primary_cluster=primary_cluster_state(context.ports, context.environment.name))
        return decide_failback(snapshot, context.ports.policy, operation_id=context.request.id)
    return decide_activation(
        snapshot, context.ports.policy, operation_id=context.request.id, forced=is_forced(context)
    )  # fmt: skip


def is_forced(context: StepContext) -> bool:
    """Whether the lock says that this operation was begun by force."""
    running = context.lock.value.operation
    return running is not None and running.id == context.request.id and running.forced


def unless_allowed(context: StepContext, decision: Decision) -> StepResult | None:
    """Return what a step does about a decision that is not `Allowed`; None when it is."""
    match decision:
        case Allowed():
            return None
        case Refused(code=RefusalCode.MONITOR_BLIND) as refused:
            # The monitor sees again after one HeartbeatTimeout; a short gap must not end a failover.
            return context.waiting(refused.detail, retry_after_s=context.ports.policy.gateway_poll_s)
        case Refused(code=RefusalCode.PRIMARY_NOT_RECOVERED) as refused if _primary_beats(context):
            # Its run of heartbeats began anew, for instance because this control plane was away: let it complete.
            return context.waiting(refused.detail, retry_after_s=context.ports.policy.gateway_poll_s)
        case Refused() as refused:
            return context.stopped(refused)
        case _:
            return context.failed(RefusalCode.SUPERSEDED, f"the environment changed: {decision}")


def verify_primary_down(context: StepContext) -> StepResult:
    """Check once more, before anything is started, that the primary is down (runbook 1.1)."""
    decision = decide(context)
    blocked = unless_allowed(context, decision)
    return blocked or context.done(_overridden(context) if is_forced(context) else "primary is failed and silent")


def _overridden(context: StepContext) -> str:
    snapshot = observe(context.ports, context.environment.name)
    unforced = decide_activation(snapshot, context.ports.policy, operation_id=context.request.id)
    over = f"{unforced.code.code}: {unforced.detail}" if isinstance(unforced, Refused) else "no refusal"
    return f"forced over {over}"


def verify_primary_recovered(context: StepContext) -> StepResult:
    """Check that the primary has beaten on time for a while and could work (runbook 2.1)."""
    decision = decide(context)
    blocked = unless_allowed(context, decision)
    return blocked or context.done("primary beats on time, its cluster runs, PostgreSQL answers")


def verify_dr_gateway(context: StepContext) -> StepResult:
    """Wait for a heartbeat of the DR gateway from a boot that is newer than the cluster's start (runbook 1.3)."""
    policy = context.ports.policy
    snapshot = observe(context.ports, context.environment.name)
    gateway = snapshot.dr
    if gateway is None:
        return context.waiting("no dr-standby gateway is registered", retry_after_s=policy.gateway_poll_s)
    if not is_fresh(gateway, now=snapshot.now, policy=policy):
        return context.waiting(f"{gateway.id} has not beaten yet", retry_after_s=policy.gateway_poll_s)
    started = context.args.get("start")
    if isinstance(started, str) and not _booted_after(gateway, datetime.fromisoformat(started)):
        detail = f"{gateway.id} beats, but from a boot before the cluster was started"
        return context.waiting(detail, retry_after_s=policy.gateway_poll_s)
    if not gateway.role_matches:
        detail = f"{gateway.id} reports role {gateway.reported_role} in {gateway.reported_environment}"
        return context.failed(RefusalCode.GATEWAY_ROLE_MISMATCH, detail)
    return context.done(f"{gateway.id} beats, Role {gateway.role.value}, Environment {gateway.environment}")


def verify_holder_active(context: StepContext) -> StepResult:
    """Wait until the new holder has beaten under its token (runbook 1.5, 2.3)."""
    policy, lock = context.ports.policy, context.lock.value
    if lock.holder is None:
        return context.failed(RefusalCode.SUPERSEDED, "nobody holds the lock")
    found = context.ports.gateways.read(context.environment.name, lock.holder)
    gateway = found.value if found else None
    if gateway is not None and gateway.token_seen == lock.token:
        return context.done(f"{lock.holder} beats under token {lock.token}")
    if context.waited_s > policy.confirm_timeout_s:
        return context.failed(RefusalCode.HOLDER_NOT_CONFIRMED, f"{lock.holder} has not beaten under {lock.token}")
    return context.waiting(f"waiting for a heartbeat of {lock.holder} under its token", retry_after_s=_poll_s(context))


def verify_operations(context: StepContext) -> StepResult:
    """Check that the new holder claims tasks, if there are any (runbook 1.6)."""
    policy, lock, work = context.ports.policy, context.lock.value, context.ports.work
    try:
        claimed = work.claimed_under(context.environment.name, lock.token)
        pending = work.pending_tasks(context.environment.name)
    except (DatabaseUnavailable, OutcomeUnknown) as outage:
        return context.skipped(f"not checked, PostgreSQL does not answer: {outage}")
    if claimed:
        return context.done(f"{claimed} tasks claimed under the new token")
    if not pending:
        return context.done("no task is waiting")
    if context.waited_s > policy.first_claim_timeout_s:
        return context.failed(RefusalCode.TASKS_NOT_CLAIMED, f"{pending} tasks wait, none was claimed")
    return context.waiting(f"{pending} tasks wait, none is claimed yet", retry_after_s=_poll_s(context))


def _primary_beats(context: StepContext) -> bool:
    primary = observe(context.ports, context.environment.name).primary
    if primary is None or primary.last_heartbeat is None:
        return False
    return context.ports.clock.now() - primary.last_heartbeat <= timedelta(seconds=context.ports.policy.on_time_s)


def _poll_s(context: StepContext) -> float:
    """Look often at first: the next heartbeat is at most one interval away."""
    policy = context.ports.policy
    return min(policy.gateway_poll_s, max(policy.heartbeat_interval_s / 5, 0.1))


def _booted_after(gateway: Gateway, instant: datetime) -> bool:
    return gateway.booted_at is not None and gateway.booted_at >= instant
