"""Domain records as the JSON that people and gateways get: the runbook's members first, ours added."""

from collections.abc import Sequence
from datetime import UTC, datetime

from shared.domain.failover import Snapshot, health_of
from shared.domain.gateways import ActivationStatus, BeatAnswer, Gateway
from shared.domain.locks import EnvironmentLock
from shared.domain.operations import POINTS_OF_NO_RETURN, Operation, StepRecord, StepStatus
from shared.domain.policy import Policy
from shared.domain.refusals import JsonValue
from shared.domain.tasks import RotationConfig, Task


def timestamp(at: datetime | None) -> str | None:
    """Return RFC 3339 in UTC with milliseconds and `Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z" if at else None


def gateway_health_document(snapshots: Sequence[Snapshot], policy: Policy) -> JsonValue:
    """Return the health dashboard (runbook 1.1, 1.5, 2.3)."""
    sight = next((snapshot.sight for snapshot in snapshots if snapshot.sight), None)
    now = max(snapshot.now for snapshot in snapshots)
    watching = sight is not None and (now - sight.last_tick_at).total_seconds() <= policy.heartbeat_timeout_s
    return {
        "as_of": timestamp(now),
        "heartbeat_timeout_seconds": policy.heartbeat_timeout_s,
        "failure_threshold": policy.failure_threshold,
        "monitor": {
            "status": "ok" if watching else "blind",
            "last_tick_at": timestamp(sight.last_tick_at if sight else None),
            "watching_since": timestamp(sight.watching_since if sight else None),
        },
        "environments": [_environment(snapshot) for snapshot in snapshots],
        "gateways": gateways_document(snapshots, policy),
    }


def gateways_document(snapshots: Sequence[Snapshot], policy: Policy) -> list[JsonValue]:
    """Return every gateway as a bare array (runbook 1.6)."""
    return [
        _gateway(gateway, snapshot, policy)
        for snapshot in snapshots
        for gateway in (snapshot.primary, snapshot.dr)
        if gateway is not None
    ]


def tasks_document(tasks: Sequence[Task]) -> list[JsonValue]:
    """Return tasks as a bare array (runbook 1.6)."""
    return [
        {
            "id": task.id,
            "status": task.status.value,
            "claimed_at": timestamp(task.claimed_at),
            "config_id": task.config_id,
            "environment": task.environment,
            "gateway_id": task.gateway_id,
            "fencing_token": str(task.token) if task.token is not None else None,
            "attempt": task.attempt,
            "created_at": timestamp(task.created_at),
            "progressed_at": timestamp(task.progressed_at),
            "completed_at": timestamp(task.completed_at),
        }
        for task in tasks
    ]


def operation_document(operation: Operation) -> dict[str, JsonValue]:
    """Return an operation with its steps."""
    request, steps = operation.request, operation.steps
    current = next((step for step in steps if step.status is StepStatus.RUNNING), None)
    passed = any(step.step in POINTS_OF_NO_RETURN and step.status is StepStatus.SUCCEEDED for step in steps)
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
        "current_step": current.step.id if current else None,
        "point_of_no_return_passed": passed,
        "steps": [_step(step) for step in steps],
        "result": dict(operation.result) or None,
        "error": dict(operation.error) or None,
    }


def config_document(config: RotationConfig) -> JsonValue:
    """Return a rotation config."""
    return {
        "id": config.id,
        "environment": config.environment,
        "name": config.name,
        "on_lost_owner": config.on_lost_owner.value,
        "max_attempts": config.max_attempts,
        "payload": dict(config.payload),
    }


def registration_document(gateway: Gateway, lock: EnvironmentLock | None, policy: Policy) -> JsonValue:
    """Return what a gateway learns when it registers: its status and the numbers it has to keep."""
    status = lock.status_of(gateway.id) if lock else ActivationStatus.STANDBY
    return {
        "id": gateway.id,
        "environment": gateway.environment,
        "role": gateway.role.value,
        "activation_status": status.value,
        "policy": {
            "heartbeat_interval_seconds": policy.heartbeat_interval_s,
            "request_timeout_seconds": policy.request_timeout_s,
            "lease_seconds": policy.lease_s,
            "gateway_margin_seconds": policy.gateway_margin_s,
        },
    }


def beat_document(gateway_id: str, sequence: int, answer: BeatAnswer, policy: Policy) -> JsonValue:
    """Return what a gateway learns from its heartbeat."""
    return {
        "id": gateway_id,
        "sequence": sequence,
        "activation_status": answer.status.value if answer.status else None,
        "fencing_token": str(answer.token) if answer.token is not None else None,
        "lease_seconds": answer.lease_s,
        "lease_refusal": answer.lease_refusal,
        "draining": answer.draining,
        "heartbeat_interval_seconds": policy.heartbeat_interval_s,
    }


def claimed_document(tasks: Sequence[Task]) -> JsonValue:
    """Return the tasks a gateway has just claimed, with what it needs to work on them."""
    return {
        "tasks": [
            {
                "id": task.id,
                "config_id": task.config_id,
                "attempt": task.attempt,
                "fencing_token": str(task.token),
                "idempotency_key": task.idempotency_key,
                "payload": dict(task.payload),
                "claimed_at": timestamp(task.claimed_at),
            }
            for task in tasks
        ]
    }


def _gateway(gateway: Gateway, snapshot: Snapshot, policy: Policy) -> dict[str, JsonValue]:
    lock = snapshot.lock.value if snapshot.lock else None
    health = health_of(gateway, snapshot, policy)
    age_s = health.heartbeat_age_s
    return {
        "id": gateway.id,
        "environment": gateway.environment,
        "role": gateway.role.value,
        "region": gateway.region,
        "version": gateway.version,
        "activation_status": (lock.status_of(gateway.id) if lock else ActivationStatus.STANDBY).value,
        "health": health.verdict.value,
        "reason": health.reason,
        "last_heartbeat": timestamp(gateway.last_heartbeat),
        "heartbeat_age_seconds": round(age_s, 3) if age_s is not None else None,
        "consecutive_failures": health.consecutive_failures,
        "lock_holder": lock is not None and lock.holder == gateway.id,
    }


def _environment(snapshot: Snapshot) -> JsonValue:
    lock, mirror = (snapshot.lock.value if snapshot.lock else None), snapshot.mirror
    if not snapshot.database_reachable:
        mirrored = "unreachable"
    elif lock is None or mirror is None or mirror.token < lock.token:
        mirrored = "pending"
    else:
        mirrored = "raised" if mirror.token == lock.token else "ahead"
    return {
        "id": snapshot.environment,
        "lock": {"holder": lock.holder, "fencing_token": str(lock.token), "acquired_at": timestamp(lock.acquired_at)}
        if lock
        else None,
        "mirror": mirrored,
        "operation": lock.operation.id if lock and lock.operation else None,
        "stop_dr_due_at": timestamp(lock.stop_dr_due_at) if lock else None,
    }


def _step(record: StepRecord) -> JsonValue:
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
