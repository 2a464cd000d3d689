"""What gateways get: how they stand, their lease, the tasks they claimed."""

from collections.abc import Sequence

from shared.domain.gateways import ActivationStatus, BeatAnswer, Canary, Gateway
from shared.domain.locks import EnvironmentLock
from shared.domain.policy import Policy
from shared.domain.tasks import Task
from shared.web.responses import Document, timestamp


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


def beat_document(gateway_id: str, sequence: int, answer: BeatAnswer, policy: Policy) -> Document:
    """Return the answer to a heartbeat; `sequence` tells the gateway which of its heartbeats this answers."""
    return {
        "id": gateway_id,
        "sequence": sequence,
        "activation_status": answer.status.value if answer.status else None,
        "fencing_token": str(answer.token) if answer.token is not None else None,
        "lease_seconds": answer.lease_s,
        "lease_refusal": answer.lease_refusal,
        "draining": answer.draining,
        "canary": canary_member(answer.canary),
        "heartbeat_interval_seconds": policy.heartbeat_interval_s,
    }


def canary_member(canary: Canary | None) -> Document | None:
    """Return the canary a heartbeat's answer asks for, or None."""
    return None if canary is None else {"drill_id": canary.drill_id, "config": dict(canary.config)}


def claimed_document(tasks: Sequence[Task]) -> Document:
    """Return the tasks a gateway has claimed, with all it needs to work on them."""
    return {
        "tasks": [
            {
                "id": task.id,
                "config_id": task.config_id,
                "attempt": task.attempt,
                "fencing_token": str(task.token) if task.token is not None else None,
                "idempotency_key": task.idempotency_key,
                "payload": dict(task.payload),
                "claimed_at": timestamp(task.claimed_at),
            }
            for task in tasks
        ]
    }
