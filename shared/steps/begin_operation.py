"""Begins an operation: refuse early, then register it in the lock, so that one runs per environment."""

from collections.abc import Mapping
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
    evidence,
    has_regressed,
)
from shared.domain.faults import IdempotencyKeyReused, LockStoreUnavailable
from shared.domain.force import RISK
from shared.domain.locks import EnvironmentLock, Versioned, with_operation
from shared.domain.operations import OperationKind, OperationRequest
from shared.domain.refusals import JsonValue, Refused
from shared.ports import Ports
from shared.steps.audit_trail import record_audit_once, shown
from shared.steps.observe import observe, primary_cluster_state
from shared.steps.operation_record import ensure_record
from shared.steps.timeline import tell
from shared.steps.write_lock import replace_lock
from shared.telemetry import log, warn

TRIES: Final = 20
"""How often the lock may change under us; each change is another caller's success, and a new decision follows."""

KEYS_LOOKED_BACK: Final = 100
"""Operations of the environment in which an idempotency key is looked for: years of failovers."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The operation is registered; its orchestration is to be started."""

    request: OperationRequest


@dataclass(frozen=True, slots=True)
class Replayed:
    """The same request, under the same idempotency key, began this operation before."""

    request: OperationRequest


def begin_operation(
    ports: Ports, environment: str, kind: OperationKind, *, requested_by: str, reason: str, requester_id: str = ""
) -> Begun | AlreadyDone | Joined | Refused:
    """Decide over a fresh snapshot and, when allowed, register the operation by a conditional write.

    A refusal changes nothing. Of many callers at once one begins the operation and the others join it. In an
    environment marked `two_person` the operation waits for the approval of a second administrator.

    Args:
        requester_id: Object id of the person who asks; empty when the control plane itself does.

    Raises:
        UnknownEnvironment: The environment is not declared.
        Unavailable: A store did not answer; nothing is known to have changed.
    """
    request = new_request(ports, environment, kind, requested_by=requested_by, reason=reason, requester_id=requester_id)
    begun = begin_requested(ports, request)
    assert not isinstance(begun, Replayed)  # without an idempotency key nothing is a repetition
    return begun


def new_request(
    ports: Ports,
    environment: str,
    kind: OperationKind,
    *,
    requested_by: str,
    reason: str,
    requester_id: str,
    forced: bool = False,
    traceparent: str = "",
) -> OperationRequest:
    """Return a request made now, under a new id."""
    return OperationRequest(
        id=ports.ids.operation_id(environment),
        kind=kind,
        environment=environment,
        requested_by=requested_by,
        requested_at=ports.clock.now(),
        reason=reason,
        requester_id=requester_id,
        forced=forced,
        traceparent=traceparent,
    )


def begin_requested(ports: Ports, request: OperationRequest) -> Begun | Replayed | AlreadyDone | Joined | Refused:
    """Begin the operation as `begin_operation` does.

    With an idempotency key the same request begins no second operation, also after the first has ended: the key is in
    the lock with the operation it began, and in the operation's record afterwards.

    Raises:
        IdempotencyKeyReused: In this environment the key came with another request before.
    """
    for _ in range(TRIES):
        snapshot, decision = decide_request(ports, request)
        # After the lock was read: an operation of this key that ends meanwhile changes the version that was judged.
        replayed = _begun_before(ports, request, snapshot.lock)
        if replayed is not None:
            return replayed
        if not isinstance(decision, Allowed):
            return decision
        registered = as_registered(request, decision.lock.value)
        if register_judged(ports, registered, decision.lock):
            return Begun(registered)
    raise LockStoreUnavailable("the environment lock kept changing")


def as_registered(request: OperationRequest, lock: EnvironmentLock) -> OperationRequest:
    """Return the request as it is registered in this lock: whether it waits for a second administrator is fixed."""
    return replace(request, needs_approval=request.forced or lock.modes.two_person)


def decide_request(ports: Ports, request: OperationRequest) -> tuple[Snapshot, Decision]:
    """Return a fresh snapshot and what it says about the request."""
    snapshot, decision = _decided(ports, request)
    if isinstance(decision, AlreadyDone) and snapshot.lock is not None and snapshot.lock.value.was_moved_by(request):
        # The operation that is retried has moved the lock and failed afterwards: what is left is to look.
        to = snapshot.lock.value.holder or ""
        decision = Allowed(lock=snapshot.lock, to=to, evidence=evidence(snapshot, ports.policy))
    return snapshot, decision


def _decided(ports: Ports, request: OperationRequest) -> tuple[Snapshot, Decision]:
    snapshot = observe(ports, request.environment)
    if request.kind is OperationKind.FAILBACK:
        snapshot = replace(snapshot, primary_cluster=primary_cluster_state(ports, request.environment))
        return snapshot, decide_failback(snapshot, ports.policy)
    return snapshot, decide_activation(snapshot, ports.policy, forced=request.forced)


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
        after={**before, "operation": request.id, **({"forced": True, "risk": RISK} if request.forced else {})},
    )  # fmt: skip
    tell(
        ports, request.environment, event_id=f"{request.id}/begin", type=EventType.OPERATION_BEGUN, subject=request.id,
        data={"operation": request.kind.value, "requested_by": request.requested_by, "reason": request.reason},
    )  # fmt: skip
    if request.forced:
        tell(
            ports, request.environment, event_id=f"{request.id}/forced", type=EventType.OPERATION_FORCED,
            subject=request.id,
            data={"requested_by": request.requested_by, "reason": request.reason, "risk": RISK},
        )  # fmt: skip


def _begun_before(ports: Ports, request: OperationRequest, lock: Versioned[EnvironmentLock] | None) -> Replayed | None:
    if not request.idempotency_key:
        return None
    running = lock.value.operation if lock else None
    recorded = [one.request for one in ports.operations.list(request.environment, limit=KEYS_LOOKED_BACK)]
    for earlier in (running, *recorded):
        if earlier is None or earlier.idempotency_key != request.idempotency_key:
            continue
        if earlier.request_digest != request.request_digest:
            raise IdempotencyKeyReused(f"the key came with another request before: {earlier.id}")
        return Replayed(earlier)
    return None


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
    if request.forced:
        warn(
            "operation.forced", environment=request.environment, operation_id=request.id,
            requested_by=request.requested_by, reason=request.reason, risk=RISK,
        )  # fmt: skip
    log(
        "operation.begun", environment=request.environment, operation_id=request.id, type=request.kind.value,
        requested_by=request.requested_by,
    )  # fmt: skip
    return True
