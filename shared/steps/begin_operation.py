"""Begins an operation: refuse early, then register it in the lock, so that one runs per environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from shared.domain.events import EventType
from shared.domain.failover import (
    Allowed,
    AlreadyDone,
    Decision,
    Joined,
    Snapshot,
    decide_activation,
    decide_failback,
    has_regressed,
)
from shared.domain.faults import LockStoreUnavailable
from shared.domain.locks import EnvironmentLock, Versioned, with_operation
from shared.domain.operations import OperationKind, OperationRequest
from shared.domain.policy import Policy
from shared.domain.refusals import JsonValue, Refused
from shared.ports import Ports
from shared.steps.audit_trail import record_audit_once, shown
from shared.steps.observe import observe, primary_cluster_state
from shared.steps.operation_record import ensure_record
from shared.steps.timeline import tell
from shared.steps.write_lock import replace_lock
from shared.telemetry import log

TRIES: Final = 20
"""How often the lock may change under us; each change is another caller's success, and a new decision follows."""

DECIDE: Final[dict[OperationKind, Callable[[Snapshot, Policy], Decision]]] = {
    OperationKind.FAILOVER: decide_activation,
    OperationKind.FAILBACK: decide_failback,
}


@dataclass(frozen=True, slots=True)
class Begun:
    """The operation is registered; its orchestration is to be started."""

    request: OperationRequest


def begin_operation(
    ports: Ports, environment: str, kind: OperationKind, *, requested_by: str, reason: str
) -> Begun | AlreadyDone | Joined | Refused:
    """Decide over a fresh snapshot and, when allowed, register the operation by a conditional write.

    A refusal changes nothing. Of many callers at once one begins the operation and the others join it.

    Raises:
        UnknownEnvironment: The environment is not declared.
        Unavailable: A store did not answer; nothing is known to have changed.
    """
    request = OperationRequest(
        id=ports.ids.operation_id(environment),
        kind=kind,
        environment=environment,
        requested_by=requested_by,
        requested_at=ports.clock.now(),
        reason=reason,
    )
    for _ in range(TRIES):
        decision = _decide(ports, environment, kind)
        if not isinstance(decision, Allowed):
            return decision
        if register_judged(ports, request, decision.lock):
            return Begun(request)
    raise LockStoreUnavailable("the environment lock kept changing")


def register_stop(ports: Ports, environment: str) -> Begun | None:
    """Register the stop of a DR cluster that is due (runbook 2.4); None when it is not, or is no longer wanted."""
    snapshot = observe(ports, environment)
    if snapshot.lock is None or snapshot.dr is None or not snapshot.database_reachable or has_regressed(snapshot):
        # A lock that lost writes may not know that the DR gateway holds the environment; a stop can wait.
        return None
    lock = snapshot.lock.value
    due = lock.stop_dr_due_at is not None and lock.stop_dr_due_at <= snapshot.now
    if not due or lock.operation is not None or lock.holder == snapshot.dr.id:
        return None
    request = OperationRequest(
        id=ports.ids.operation_id(environment),
        kind=OperationKind.STOP_DR_CLUSTER,
        environment=environment,
        requested_by="control-plane",
        requested_at=snapshot.now,
        reason="hold time after failback is over",
    )
    return Begun(request) if register_judged(ports, request, snapshot.lock) else None


def audit_begun(ports: Ports, request: OperationRequest, before: Mapping[str, JsonValue]) -> None:
    """Audit that the operation was registered; repeated by its first step, in case the host died before it could."""
    record_audit_once(
        ports, request.environment, write_id=f"{request.id}/begin", actor=request.requested_by,
        action=f"{request.kind.value}.begun", reason=request.reason, before=before,
        after={**before, "operation": request.id},
    )  # fmt: skip
    tell(
        ports, request.environment, event_id=f"{request.id}/begin", type=EventType.OPERATION_BEGUN, subject=request.id,
        data={"operation": request.kind.value, "requested_by": request.requested_by, "reason": request.reason},
    )  # fmt: skip


def _decide(ports: Ports, environment: str, kind: OperationKind) -> Decision:
    snapshot = observe(ports, environment)
    if kind is OperationKind.FAILBACK:
        snapshot = replace(snapshot, primary_cluster=primary_cluster_state(ports, environment))
    return DECIDE[kind](snapshot, ports.policy)


def register_judged(ports: Ports, request: OperationRequest, judged: Versioned[EnvironmentLock]) -> bool:
    """Register the operation in the lock at exactly the version that was judged; False when the lock has changed.

    Raises:
        LockStoreUnavailable: It is not known whether it is registered.
    """
    lock = with_operation(judged.value, request, write_id=f"{request.id}/begin")
    if request.kind is OperationKind.STOP_DR_CLUSTER:
        lock = replace(lock, stop_dr_due_at=None)
    if replace_lock(ports, lock, etag=judged.etag) is None:
        return False
    ensure_record(ports, request)
    audit_begun(ports, request, shown(judged.value))
    log(
        "operation.begun", environment=request.environment, operation_id=request.id, type=request.kind.value,
        requested_by=request.requested_by,
    )  # fmt: skip
    return True
