"""Starts and stops the DR cluster (runbook 1.2, 2.4): ask, come back, look; adopt what is already in progress."""

from datetime import datetime, timedelta

from shared.domain.clusters import ClusterRequest, ClusterState
from shared.domain.environments import Role
from shared.domain.gateways import with_role
from shared.domain.guard import Present, SyncOutcome, decide_sync
from shared.domain.operations import OperationKind
from shared.domain.refusals import RefusalCode
from shared.flows.commands import StepResult
from shared.steps.context import StepContext, describe
from shared.steps.drill_slot import drill_stops_cluster

NOT_ALLOWED = "OperationNotAllowed"
"""ARM's code for "not in this state"; it says nothing about the state, so the state is read again (Azure docs)."""


def start_dr_cluster(context: StepContext) -> StepResult:
    """Bring the DR cluster up; done only at power Running *and* provisioning Succeeded.

    A stopped cluster reports Succeeded as well, and the power code turns to Running before the start is over.
    `data.start` is when this operation asked for the start; the DR gateway's boot must be newer. It is None for
    a cluster that was up, or whose start somebody else had begun.
    """
    poll_s = context.ports.policy.cluster_poll_s
    start = context.args.get("start")
    if context.request.kind is OperationKind.FAILOVER and drill_stops_cluster(context.ports, context.environment.name):
        # Asked before the state is read: what is seen afterwards is not about to be stopped.
        return context.waiting("a drill is giving way", retry_after_s=min(poll_s, 1.0), start=start)
    state = context.ports.clusters.state(context.environment.dr_cluster)
    if state.ready:
        return context.done(f"cluster is {state.describe()}", start=start)
    if state.in_transition:
        return context.waiting(f"cluster is {state.describe()}", retry_after_s=poll_s, start=start)
    if start is not None and state.provisioning == "Failed":
        return _start_failed(context, state, "the start ended as Failed")
    if start is not None and context.now - datetime.fromisoformat(start) < timedelta(seconds=2 * poll_s):
        # Accepted a moment ago; Azure may still show the state from before.
        return context.waiting(f"start accepted, cluster is {state.describe()}", retry_after_s=poll_s, start=start)
    if not state.stopped:
        return _start_failed(context, state, "the cluster is neither stopped nor starting")
    request = context.ports.clusters.begin_start(context.environment.dr_cluster)
    if request.accepted:
        asked_at = context.now.isoformat()
        return context.waiting("start accepted", retry_after_s=poll_s, start=asked_at)
    if request.error_code == NOT_ALLOWED:
        return context.waiting(f"{NOT_ALLOWED}: {request.message}", retry_after_s=poll_s, start=start)
    return _start_failed(context, state, f"{request.error_code}: {request.message}", request)


def stop_dr_cluster(context: StepContext) -> StepResult:
    """Take the DR cluster down, unless its gateway holds the lock (runbook 2.4)."""
    poll_s = context.ports.policy.cluster_poll_s
    # Not via `has_lost_writes`: without PostgreSQL nobody knows, and the cluster of a holder must not be stopped.
    mirror = context.ports.work.mirror(context.environment.name)
    if decide_sync(mirror, Present(context.lock.value)) is SyncOutcome.REGRESSED:
        return context.failed(RefusalCode.AUTHORITY_REGRESSED, "the mirror carries a newer grant")
    dr = with_role(context.ports.gateways.list(context.environment.name), Role.DR_STANDBY)
    if dr is None or context.lock.value.holder == dr.id:
        return context.failed(RefusalCode.CLUSTER_IN_USE, "the DR gateway holds the lock, or is not known")
    state = context.ports.clusters.state(context.environment.dr_cluster)
    if state.stopped:
        return context.done(f"cluster is {state.describe()}")
    if state.in_transition:
        return context.waiting(f"cluster is {state.describe()}", retry_after_s=poll_s)
    request = context.ports.clusters.begin_stop(context.environment.dr_cluster)
    if request.accepted or request.error_code == NOT_ALLOWED:
        return context.waiting("stop accepted" if request.accepted else request.message, retry_after_s=poll_s)
    detail = f"{request.error_code}: {request.message}"
    return context.failed(RefusalCode.CLUSTER_STOP_FAILED, detail, error_code=request.error_code, **describe(state))


def _start_failed(
    context: StepContext, state: ClusterState, why: str, request: ClusterRequest | None = None
) -> StepResult:
    evidence = describe(state)
    if request is not None:
        evidence["error_code"] = request.error_code
    return context.failed(RefusalCode.CLUSTER_START_FAILED, f"{why}; cluster is {state.describe()}", **evidence)
