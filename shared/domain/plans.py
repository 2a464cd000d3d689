"""What an operation would do now, step by step, over one snapshot: for people who want to know before they ask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared.domain.clusters import ClusterState
from shared.domain.failover import Decision, Snapshot
from shared.domain.health import is_fresh
from shared.domain.operations import OperationRequest, Step, steps_of
from shared.domain.policy import Policy
from shared.domain.refusals import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One step, and in words what it would do if it ran now."""

    step: Step
    would: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would become of a request made now; the steps are none when nothing would be begun."""

    request: OperationRequest
    snapshot: Snapshot
    decision: Decision
    steps: tuple[PlannedStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the words are made from; `dr_cluster` is None when Azure did not answer."""

    snapshot: Snapshot
    policy: Policy
    decision: Decision
    dr_cluster: ClusterState | None
    overridden: Refused | None = None  # what force would not let stand in the way


def planned_steps(request: OperationRequest, seen: Seen) -> tuple[PlannedStep, ...]:
    """Return each step of the operation with what it would do now."""
    return tuple(PlannedStep(step=step, would=WOULD[step](seen)) for step in steps_of(request))


def _await_approval(seen: Seen) -> str:
    return f"wait up to {seen.policy.approval_timeout_s:g} s for another administrator"


def _verify(seen: Seen) -> str:
    if isinstance(seen.decision, Refused):
        return f"stop: {seen.decision.code.message} ({seen.decision.detail})"
    if seen.overridden is not None:
        return f"go on by force, over: {seen.overridden.code.message} ({seen.overridden.detail})"
    return "go on: the evidence allows it"


def _start_dr_cluster(seen: Seen) -> str:
    cluster, limit_s = seen.dr_cluster, seen.policy.cluster_start_timeout_s
    if cluster is None:
        return "ask Azure, which does not answer now"
    if cluster.ready:
        return f"nothing: the cluster is {cluster.describe()}"
    if cluster.in_transition:
        return f"wait up to {limit_s:g} s: the cluster is {cluster.describe()}"
    if cluster.stopped:
        return f"start the cluster and wait up to {limit_s:g} s"
    return f"fail: the cluster is {cluster.describe()}, neither stopped nor starting"


def _verify_dr_gateway(seen: Seen) -> str:
    dr, snapshot = seen.snapshot.dr, seen.snapshot
    if dr is None:
        return "wait for a gateway with role dr-standby: none is registered"
    up = seen.dr_cluster is not None and seen.dr_cluster.ready
    if up and is_fresh(dr, now=snapshot.now, policy=seen.policy):
        return f"go on: {dr.id} beats"
    return f"wait up to {seen.policy.gateway_boot_timeout_s:g} s for a heartbeat of {dr.id}"


def _look_again(_: Seen) -> str:
    return "decide once more over what is the case then"


def _activate_dr(seen: Seen) -> str:
    return _move(seen, seen.snapshot.dr.id if seen.snapshot.dr else "the DR gateway")


def _reactivate_primary(seen: Seen) -> str:
    return _move(seen, seen.snapshot.primary.id if seen.snapshot.primary else "the primary")


def _move(seen: Seen, to: str) -> str:
    lock = seen.snapshot.lock.value if seen.snapshot.lock else None
    holder = (lock.holder if lock else None) or "nobody"
    fence = "raise the fence" if seen.snapshot.database_reachable else "leave the fence pending: PostgreSQL is away"
    return f"move the lock from {holder} to {to} under a token above {lock.token if lock else 0}, and {fence}"


def _verify_holder(seen: Seen) -> str:
    mirror = seen.snapshot.mirror
    wait = f"wait up to {seen.policy.confirm_timeout_s:g} s for a heartbeat under the new token"
    if mirror is None or mirror.lease_until is None:
        return wait
    first = mirror.lease_until + timedelta(seconds=seen.policy.server_margin_s)
    return f"{wait}; no lease before {first.isoformat(timespec='seconds')}, when the former one is over"


def _verify_operations(seen: Seen) -> str:
    return f"wait up to {seen.policy.first_claim_timeout_s:g} s for the first claim, if tasks wait"


def _drain_dr_gateway(seen: Seen) -> str:
    return f"give the DR gateway no new tasks and wait up to {seen.policy.drain_timeout_s:g} s for the running ones"


def _schedule_dr_stop(seen: Seen) -> str:
    return f"plan the stop of the DR cluster {seen.policy.hold_s:g} s later"


WOULD: Final[Mapping[Step, Callable[[Seen], str]]] = {
    Step.AWAIT_APPROVAL: _await_approval,
    Step.VERIFY_PRIMARY_DOWN: _verify,
    Step.START_DR_CLUSTER: _start_dr_cluster,
    Step.VERIFY_DR_GATEWAY: _verify_dr_gateway,
    Step.LOOK_AGAIN: _look_again,
    Step.ACTIVATE_DR: _activate_dr,
    Step.VERIFY_DR_ACTIVE: _verify_holder,
    Step.VERIFY_OPERATIONS: _verify_operations,
    Step.VERIFY_PRIMARY_RECOVERED: _verify,
    Step.DRAIN_DR_GATEWAY: _drain_dr_gateway,
    Step.LOOK_AGAIN_BEFORE_FAILBACK: _look_again,
    Step.REACTIVATE_PRIMARY: _reactivate_primary,
    Step.VERIFY_PRIMARY_ACTIVE: _verify_holder,
    Step.SCHEDULE_DR_STOP: _schedule_dr_stop,
}
