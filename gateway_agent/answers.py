"""What the control plane answers, parsed once. A body that is not as documented raises Malformed and grants nothing."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway_agent.lease import LeaseAnswer


class Malformed(ValueError):
    """A body without a documented member, or with one of another type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A "no" of the control plane: problem+json (RFC 9457). `reason` is set where a write was refused."""

    status: int
    code: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The gateway is known; the numbers are the ones it has to work with, in seconds."""

    activation_status: str
    heartbeat_interval_s: float
    request_timeout_s: float
    lease_s: float
    own_margin_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryOrder:
    """A disposable rotation that a drill asks of a standby gateway; it needs no lease and touches nothing real."""

    drill_id: str
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatAnswer:
    """What one heartbeat brought."""

    activation_status: str
    lease: LeaseAnswer
    lease_refusal: str  # why the lease was not extended; empty when it was
    draining: bool  # a failback is about to move the lock: claim nothing new
    heartbeat_interval_s: float
    canary: CanaryOrder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedTask:
    """A task that belongs to this gateway, under this token and attempt and no other."""

    id: str
    config_id: str
    attempt: int
    fencing_token: int
    idempotency_key: str  # the same for every attempt: effects are to be conditional on it
    payload: Mapping[str, Any] = field(default_factory=dict)
    claimed_at: str = ""


def json_object(text: bytes) -> Mapping[str, Any]:
    """Return the JSON object in a body."""
    try:
        body = json.loads(text)
    except ValueError as error:
        raise Malformed(f"not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Malformed("not a JSON object")
    return body


def refusal(status: int, body: Mapping[str, Any]) -> Refusal:
    """Return the refusal in a problem+json body; members that are absent are empty."""

    def said(*names: str) -> str:
        return next((str(body[name]) for name in names if body.get(name)), "")

    return Refusal(
        status=status,
        code=said("code") or f"http_{status}",
        reason=said("reason"),
        message=said("message", "detail", "title"),
    )


def registered(body: Mapping[str, Any]) -> Registered:
    """Return the answer to a registration."""
    policy = body.get("policy")
    if not isinstance(policy, dict):
        raise Malformed("policy is missing")
    answer = Registered(
        activation_status=_text(body, "activation_status"),
        heartbeat_interval_s=_positive(policy, "heartbeat_interval_seconds"),
        request_timeout_s=_positive(policy, "request_timeout_seconds"),
        lease_s=_positive(policy, "lease_seconds"),
        own_margin_s=_positive(policy, "gateway_margin_seconds"),
    )
    if answer.own_margin_s >= answer.lease_s:
        raise Malformed("gateway_margin_seconds is not below lease_seconds")
    return answer


def heartbeat(body: Mapping[str, Any]) -> HeartbeatAnswer:
    """Return the answer to a heartbeat."""
    status, token = _text(body, "activation_status"), body.get("fencing_token")
    return HeartbeatAnswer(
        activation_status=status,
        lease=LeaseAnswer(
            sequence=_whole(body, "sequence"),
            is_active=status == "active",
            fencing_token=None if token is None else _token(body),
            lease_s=None if body.get("lease_seconds") is None else _positive(body, "lease_seconds"),
        ),
        lease_refusal=str(body.get("lease_refusal") or ""),
        draining=body.get("draining") is True,
        heartbeat_interval_s=_positive(body, "heartbeat_interval_seconds"),
        canary=_canary(body.get("canary")),
    )


def claimed(body: Mapping[str, Any]) -> tuple[ClaimedTask, ...]:
    """Return the tasks of an answer to a claim."""
    tasks = body.get("tasks")
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise Malformed("tasks is not a list of objects")
    return tuple(_task(task) for task in tasks)


def outcome(body: Mapping[str, Any]) -> str:
    """Return `accepted` or `repeated`."""
    word = _text(body, "outcome")
    if word not in ("accepted", "repeated"):
        raise Malformed(f"outcome is {word!r}")
    return word


def _canary(order: object) -> CanaryOrder | None:
    # A control plane that knows no drills says nothing of canaries.
    if order is None:
        return None
    if not isinstance(order, dict):
        raise Malformed("canary is not an object")
    config = order.get("config")
    return CanaryOrder(drill_id=_text(order, "drill_id"), config=config if isinstance(config, dict) else {})


def _task(body: Mapping[str, Any]) -> ClaimedTask:
    payload = body.get("payload")
    return ClaimedTask(
        id=_text(body, "id"),
        config_id=_text(body, "config_id"),
        attempt=_whole(body, "attempt"),
        fencing_token=_token(body),
        idempotency_key=_text(body, "idempotency_key"),
        payload=payload if isinstance(payload, dict) else {},
        claimed_at=str(body.get("claimed_at") or ""),
    )


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed(f"{name} is not a text")
    return value


def _token(body: Mapping[str, Any]) -> int:
    text = _text(body, "fencing_token")
    if not (text.isascii() and text.isdecimal()):
        raise Malformed("fencing_token is not a decimal string")
    return int(text)


def _whole(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed(f"{name} is not a whole number")
    return value


def _positive(body: Mapping[str, Any], name: str) -> float:
    value = body.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not (math.isfinite(value) and value > 0):
        raise Malformed(f"{name} is not a number above 0")
    return float(value)
