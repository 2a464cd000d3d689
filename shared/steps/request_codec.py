"""An operation's request as JSON: the input of its orchestration, and part of every step's payload."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.domain.operations import OperationKind, OperationRequest
from shared.domain.refusals import JsonValue


def request_to_json(request: OperationRequest) -> dict[str, JsonValue]:
    """Return the request as JSON."""
    return {
        "id": request.id,
        "kind": request.kind.value,
        "environment": request.environment,
        "requested_by": request.requested_by,
        "requested_at": request.requested_at.isoformat(),
        "reason": request.reason,
        "needs_approval": request.needs_approval,
        "forced": request.forced,
        "retry_of": request.retry_of,
        "traceparent": request.traceparent,
    }


def request_from_json(raw: Mapping[str, Any]) -> OperationRequest:
    """Return the request that `request_to_json` rendered."""
    return OperationRequest(
        id=raw["id"],
        kind=OperationKind(raw["kind"]),
        environment=raw["environment"],
        requested_by=raw["requested_by"],
        requested_at=datetime.fromisoformat(raw["requested_at"]),
        reason=raw["reason"],
        needs_approval=raw.get("needs_approval", False),  # absent from an operation begun by the release before
        forced=raw.get("forced", False),
        retry_of=raw.get("retry_of", ""),
        traceparent=raw.get("traceparent", ""),
    )
