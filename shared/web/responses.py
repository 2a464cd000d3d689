"""What callers get: domain records as JSON documents, in the runbook's words and with nothing in their place.

Instants are RFC 3339 in UTC with milliseconds; fencing tokens are decimal texts, since they exceed what many JSON
readers hold exactly (2^53).
"""

from collections.abc import Sequence
from datetime import datetime

from shared.domain.cloud_events import to_milliseconds
from shared.domain.failover import Snapshot, has_regressed, health_of
from shared.domain.force import risk_of
from shared.domain.gateways import ActivationStatus, Gateway
from shared.domain.health import Sight
from shared.domain.locks import EnvironmentLock
from shared.domain.operations import POINTS_OF_NO_RETURN, Answer, Operation, StepRecord, StepStatus
from shared.domain.policy import Policy
from shared.domain.refusals import JsonValue
from shared.domain.tasks import Resolution, RotationConfig, Task
from shared.domain.traces import operation_context

Document = dict[str, JsonValue]


def timestamp(at: datetime | None) -> str | None:
    """Return an instant such as `2026-11-22T21:06:16.004Z`; what is finer than a millisecond is cut off."""
    return to_milliseconds(at) if at else None


def gateway_health_document(snapshots: Sequence[Snapshot], policy: Policy) -> Document:
    """Return the gateway health dashboard (runbook 1.1, 1.5, 2.3): every gateway with its verdict.

    `as_of` is the oldest snapshot's instant; without snapshots there is none.
    """
    as_of = min((snapshot.now for snapshot in snapshots), default=None)
    sights = [snapshot.sight for snapshot in snapshots if snapshot.sight]
    newest = max(sights, key=lambda sight: sight.last_tick_at) if sights else None
    return {
        "as_of": timestamp(as_of),
        "heartbeat_timeout_seconds": policy.heartbeat_timeout_s,
        "failure_threshold": policy.failure_threshold,
        "monitor": _monitor(newest, as_of, policy),
        "environments": [_environment(snapshot) for snapshot in snapshots],
        "gateways": gateways_document(snapshots, policy),
    }


def gateways_document(snapshots: Sequence[Snapshot], policy: Policy) -> list[JsonValue]:
    """Return every gateway as a bare array (runbook 1.6), by environment, the primary first."""
    return [
        _gateway(gateway, snapshot, policy)
        for snapshot in sorted(snapshots, key=lambda snapshot: snapshot.environment)
        for gateway in (snapshot.primary, snapshot.dr)
        if gateway
    ]


def tasks_document(tasks: Sequence[Task]) -> list[JsonValue]:
    """Return tasks as a bare array (runbook 1.6, section 3), in the order given."""
    return [_task(task) for task in tasks]


def task_page_document(tasks: Sequence[Task], next_after: str | None) -> Document:
    """Return one page of tasks; `next_after` is null on the last one."""
    return {"value": tasks_document(tasks), "next_after": next_after}


def resolved_document(task: Task, resolution: Resolution) -> Document:
    """Return a task as a person's decision has left it, or as it stands since."""
    return {"message": f"Task {task.id} resolved as {resolution.value}", "task": _task(task)}


def restored_document(lock: EnvironmentLock, *, mirror_raised: bool, wait_s: float) -> Document:
    """Return a rebuilt lock, and how long nobody gets a lease under it."""
    return {
        "message": f"Authority restored for environment {lock.environment}",
        "holder": lock.holder,
        "fencing_token": str(lock.token),
        "previous_token": str(lock.previous_token) if lock.previous_token is not None else None,
        "mirror": "raised" if mirror_raised else "pending",
        "lease_wait_seconds": wait_s,
    }


def config_document(config: RotationConfig) -> Document:
    """Return a rotation config."""
    return {
        "id": config.id,
        "environment": config.environment,
        "name": config.name,
        "on_lost_owner": config.on_lost_owner.value,
        "max_attempts": config.max_attempts,
        "payload": dict(config.payload),
    }


def operation_document(operation: Operation) -> Document:
    """Return an operation with its steps; `result` and `error` are null until it ends with one of them."""
    request = operation.request
    passed = any(
        record.step in POINTS_OF_NO_RETURN and record.status is StepStatus.SUCCEEDED for record in operation.steps
    )
    return {
        "id": request.id,
        "type": request.kind.value,
        "environment": request.environment,
        "status": operation.status.value,
        "created_at": timestamp(request.requested_at),
        "created_by": request.requested_by,
        "reason": request.reason,
        "updated_at": timestamp(operation.updated_at),
        "ended_at": timestamp(operation.ended_at),
        "outage_started_at": timestamp(operation.outage_started_at),
        "current_step": _current_step(operation),
        "point_of_no_return_passed": passed,
        "forced": request.forced,
        "risk": risk_of(operation),
        "needs_approval": request.needs_approval,
        "approval": _answer(request.approval),
        "cancellation": _answer(request.cancellation),
        "retry_of": request.retry_of or None,
        "trace_id": operation_context(request).trace_id,
        "skips": [{"step": skip.step.id, **(_answer(skip.answer) or {})} for skip in request.skips],
        "steps": [_step(record) for record in operation.steps],
        "result": dict(operation.result) or None,
        "error": dict(operation.error) or None,
    }


def _monitor(sight: Sight | None, as_of: datetime | None, policy: Policy) -> Document:
    """Say whether the monitor has ticked lately; while it is blind, silence proves nothing."""
    if sight is None or as_of is None:
        return {"status": "blind", "last_tick_at": None, "watching_since": None}
    sees = (as_of - sight.last_tick_at).total_seconds() <= policy.heartbeat_timeout_s
    return {
        "status": "ok" if sees else "blind",
        "last_tick_at": timestamp(sight.last_tick_at),
        "watching_since": timestamp(sight.watching_since),
    }


def _environment(snapshot: Snapshot) -> Document:
    """Show the lock ("check environment lock", runbook section 3) and whether PostgreSQL's mirror has caught up."""
    lock = snapshot.lock.value if snapshot.lock else None
    held: Document | None = None
    if lock is not None:
        held = {
            "holder": lock.holder,
            "fencing_token": str(lock.token),
            "acquired_at": timestamp(lock.acquired_at),
        }
    return {
        "id": snapshot.environment,
        "lock": held,
        "authority": _authority_state(snapshot),
        "mirror": _mirror_state(snapshot),
        "operation": lock.operation.id if lock and lock.operation else None,
        "stop_dr_due_at": timestamp(lock.stop_dr_due_at) if lock else None,
    }


def _authority_state(snapshot: Snapshot) -> str:
    """Return `ok`, `regressed` (the lock lost writes: nobody may act) or `unverified` (PostgreSQL does not answer)."""
    if not snapshot.database_reachable:
        return "unverified"
    return "regressed" if has_regressed(snapshot) else "ok"


def _mirror_state(snapshot: Snapshot) -> str:
    """Return `raised`, `pending` (behind the lock), `ahead` (the lock lost writes) or `unreachable`."""
    lock, mirror = snapshot.lock.value if snapshot.lock else None, snapshot.mirror
    if not snapshot.database_reachable:
        return "unreachable"
    if mirror is None:
        return "pending"
    if lock is None or has_regressed(snapshot):
        return "ahead"
    return "raised" if mirror.token == lock.token else "pending"


def _gateway(gateway: Gateway, snapshot: Snapshot, policy: Policy) -> Document:
    lock, health = snapshot.lock.value if snapshot.lock else None, health_of(gateway, snapshot, policy)
    status = lock.status_of(gateway.id) if lock else ActivationStatus.STANDBY
    return {
        "id": gateway.id,
        "environment": gateway.environment,
        "role": gateway.role.value,
        "region": gateway.region,
        "version": gateway.version,
        "activation_status": status.value,
        "verdict": health.verdict.value,
        "reason": health.reason,
        "last_heartbeat": timestamp(gateway.last_heartbeat),
        "heartbeat_age_seconds": round(health.heartbeat_age_s, 3) if health.heartbeat_age_s is not None else None,
        "consecutive_failures": health.consecutive_failures,
        "lock_holder": lock is not None and lock.holder == gateway.id,
        "role_matches": gateway.role_matches,
        "checks": dict(gateway.checks),
        "registered_at": timestamp(gateway.registered_at),
        "booted_at": timestamp(gateway.booted_at),
    }


def _task(task: Task) -> Document:
    return {
        "id": task.id,
        "type": "rotation",
        "config_id": task.config_id,
        "environment": task.environment,
        "status": task.status.value,
        "attempt": task.attempt,
        "gateway_id": task.gateway_id,
        "fencing_token": _token(task),
        "created_at": timestamp(task.created_at),
        "claimed_at": timestamp(task.claimed_at),
        "progressed_at": timestamp(task.progressed_at),
        "completed_at": timestamp(task.completed_at),
        "result": dict(task.result),
    }


def _token(task: Task) -> str | None:
    return str(task.token) if task.token is not None else None


def _answer(answer: Answer | None) -> Document | None:
    return {"by": answer.by, "at": timestamp(answer.at), "reason": answer.reason} if answer else None


def _step(record: StepRecord) -> Document:
    return {
        "id": record.step.id,
        "runbook": record.step.runbook,
        "status": record.status.value,
        "attempts": record.attempts,
        "started_at": timestamp(record.started_at),
        "ended_at": timestamp(record.ended_at),
        "detail": record.detail,
        "point_of_no_return": record.step in POINTS_OF_NO_RETURN,
    }


def _current_step(operation: Operation) -> str | None:
    """Return the step that runs, else the first that has yet to; None once the operation has ended."""
    if operation.ended_at is not None:
        return None
    open_steps = [record for record in operation.steps if record.status in (StepStatus.RUNNING, StepStatus.PENDING)]
    return open_steps[0].step.id if open_steps else None
