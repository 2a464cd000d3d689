"""What callers get: domain records as JSON documents, in the runbook's words and with nothing in their place.

Instants are RFC 3339 in UTC with milliseconds; fencing tokens are decimal texts, since they exceed what many JSON
readers hold exactly (2^53).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from shared.domain.failover import Snapshot, health_of
from shared.domain.fencing import FencingToken
from shared.domain.gateways import ActivationStatus, Gateway
from shared.domain.health import Sight
from shared.domain.locks import EnvironmentLock
from shared.domain.operations import POINTS_OF_NO_RETURN, Operation, StepRecord, StepStatus
from shared.domain.policy import Policy
from shared.domain.refusals import JsonValue
from shared.domain.tasks import RotationConfig, Task

Document = dict[str, JsonValue]


class HeartbeatAnswer(Protocol):
    """What a heartbeat came to."""

    @property
    def status(self) -> ActivationStatus | None:
        """None when Table Storage did not answer."""

    @property
    def token(self) -> FencingToken | None:
        """The token, for the holder only."""

    @property
    def lease_s(self) -> float | None:
        """Seconds the lease lasts from when the request was received."""

    @property
    def lease_refusal(self) -> str | None:
        """Why there is no lease."""

    @property
    def draining(self) -> bool:
        """Whether the holder gets no new claims."""


def instant(at: datetime) -> str:
    """Return an instant such as `2026-11-22T21:06:16.004Z`; what is finer than a millisecond is cut off."""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def instant_or_none(at: datetime | None) -> str | None:
    """Return the instant, or None."""
    return instant(at) if at else None


def gateway_health_document(snapshots: Sequence[Snapshot], policy: Policy) -> Document:
    """Return the gateway health dashboard (runbook 1.1, 1.5, 2.3): every gateway with its verdict.

    `as_of` is the oldest snapshot's instant; without snapshots there is none.
    """
    sights = [snapshot.sight for snapshot in snapshots if snapshot.sight]
    return {
        "as_of": instant_or_none(min((snapshot.now for snapshot in snapshots), default=None)),
        "heartbeat_timeout_seconds": policy.heartbeat_timeout_s,
        "failure_threshold": policy.failure_threshold,
        "monitor": _monitor(max(sights, key=lambda sight: sight.last_tick_at) if sights else None),
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
        "created_at": instant(request.requested_at),
        "created_by": request.requested_by,
        "reason": request.reason,
        "updated_at": instant(operation.updated_at),
        "ended_at": instant_or_none(operation.ended_at),
        "outage_started_at": instant_or_none(operation.outage_started_at),
        "current_step": _current_step(operation),
        "point_of_no_return_passed": passed,
        "steps": [_step(record) for record in operation.steps],
        "result": dict(operation.result) or None,
        "error": dict(operation.error) or None,
    }


def registration_document(gateway: Gateway, lock: EnvironmentLock | None, policy: Policy) -> Document:
    """Return what a gateway learns when it registers: its status, and the numbers it keeps time with."""
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


def beat_document(gateway_id: str, sequence: int, answer: HeartbeatAnswer, policy: Policy) -> Document:
    """Return the answer to a heartbeat; `sequence` tells the gateway which of its heartbeats this answers."""
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


def claimed_document(tasks: Sequence[Task]) -> Document:
    """Return the tasks a gateway has claimed, with all it needs to work on them."""
    return {
        "tasks": [
            {
                "id": task.id,
                "config_id": task.config_id,
                "attempt": task.attempt,
                "fencing_token": _token(task),
                "idempotency_key": task.idempotency_key,
                "payload": dict(task.payload),
                "claimed_at": instant_or_none(task.claimed_at),
            }
            for task in tasks
        ]
    }


def _monitor(sight: Sight | None) -> Document | None:
    if sight is None:
        return None
    return {"last_tick_at": instant(sight.last_tick_at), "watching_since": instant(sight.watching_since)}


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
        "verdict_reason": health.reason,
        "last_heartbeat": instant_or_none(gateway.last_heartbeat),
        "heartbeat_age_seconds": round(health.heartbeat_age_s, 3) if health.heartbeat_age_s is not None else None,
        "consecutive_failures": health.consecutive_failures,
        "lock_holder": lock is not None and lock.holder == gateway.id,
        "role_matches": gateway.role_matches,
        "checks": dict(gateway.checks),
        "registered_at": instant(gateway.registered_at),
        "booted_at": instant_or_none(gateway.booted_at),
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
        "created_at": instant(task.created_at),
        "claimed_at": instant_or_none(task.claimed_at),
        "progressed_at": instant_or_none(task.progressed_at),
        "completed_at": instant_or_none(task.completed_at),
        "result": dict(task.result),
    }


def _token(task: Task) -> str | None:
    return str(task.token) if task.token is not None else None


def _step(record: StepRecord) -> Document:
    return {
        "id": record.step.id,
        "runbook": record.step.runbook,
        "status": record.status.value,
        "attempts": record.attempts,
        "started_at": instant_or_none(record.started_at),
        "ended_at": instant_or_none(record.ended_at),
        "detail": record.detail,
        "point_of_no_return": record.step in POINTS_OF_NO_RETURN,
    }


def _current_step(operation: Operation) -> str | None:
    """Return the step that runs, else the first that has yet to; None once the operation has ended."""
    if operation.ended_at is not None:
        return None
    open_steps = [record for record in operation.steps if record.status in (StepStatus.RUNNING, StepStatus.PENDING)]
    return open_steps[0].step.id if open_steps else None
