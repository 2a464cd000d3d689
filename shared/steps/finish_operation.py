"""Ends an operation: first its entry in the lock, then its record, so that nothing can happen after its end."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from shared.domain.audit_chain import anchor_of
from shared.domain.events import EventType
from shared.domain.faults import Unavailable
from shared.domain.locks import without_operation
from shared.domain.operations import Operation, OperationKind, OperationRequest, OperationStatus, finished
from shared.domain.recovery import recovery_of
from shared.domain.refusals import JsonValue, RefusalCode
from shared.flows.commands import StepResult
from shared.ports import Ports
from shared.steps.answer_operation import cancelled_by, note_cancellation
from shared.steps.audit_trail import LOOKED_BACK, record_audit_once, shown
from shared.steps.context import StepContext
from shared.steps.drill import leave_slot
from shared.steps.observe import rto_target_s
from shared.steps.operation_record import change_record, ensure_record
from shared.steps.timeline import tell
from shared.steps.write_lock import replace_lock
from shared.telemetry import log

MESSAGES: Final = {
    # The first two are the runbook's (1.4, 2.2), word for word.
    OperationKind.FAILOVER: "DR gateway activated for environment {environment}",
    OperationKind.FAILBACK: "Failback completed, primary reactivated for environment {environment}",
    OperationKind.STOP_DR_CLUSTER: "DR cluster stopped for environment {environment}",
    OperationKind.DRILL: "Drill completed for environment {environment}",
}

EVENTS: Final = {
    OperationStatus.SUCCEEDED: EventType.OPERATION_SUCCEEDED,
    OperationStatus.FAILED: EventType.OPERATION_FAILED,
    OperationStatus.CANCELLED: EventType.OPERATION_CANCELLED,
}


def finish_operation(context: StepContext) -> StepResult:
    """Take the operation out of the lock, which ends draining too, then write how it ended.

    In this order: leaving the lock changes its version, so a move that was sent and never answered cannot land
    after people have read that the operation failed.
    """
    if context.request.kind is OperationKind.DRILL:
        return _finish_drill(context, dict(context.args.get("error") or {}))
    lock, args = context.lock.value, context.args
    request = lock.operation or context.request
    if request.cancellation is not None:
        # Whatever the flow ended with: the person who cancelled was told that nothing moves.
        args = _cancelled(request)
        note_cancellation(context.ports, lock)
    error = dict(args.get("error") or {})
    ended = without_operation(lock, write_id=f"{request.id}/finish")
    if _leaves_cluster_on(context.ports, request, error):
        # A cluster left running costs money: stop it, or try again to, after a hold time.
        ended = replace(ended, stop_dr_due_at=context.now + timedelta(seconds=context.ports.policy.hold_s))
    outcome = _status(error).value
    # Before the operation leaves the lock: afterwards no repetition gets this far.
    record_audit_once(
        context.ports, request.environment, write_id=_write_id(request, error), actor=request.requested_by,
        action=f"{request.kind.value}.{outcome}", reason=request.reason, before=shown(lock), after=shown(ended),
    )  # fmt: skip
    if replace_lock(context.ports, ended, etag=context.lock.etag) is None:
        return context.waiting("the lock changed; finishing again", retry_after_s=0.0)
    log(
        f"operation.{outcome}", environment=request.environment, operation_id=request.id, type=request.kind.value,
        detail=str(args.get("detail", "")), code=error.get("code"),
    )  # fmt: skip
    _tell_ended(context.ports, request, error)
    end_record(context.ports, request, args, lock_moved=lock.was_moved_by(request))
    return context.done(outcome)


def _finish_drill(context: StepContext, error: Mapping[str, Any]) -> StepResult:
    """End a drill in its slot; the lock, where it never stood, is not written."""
    request, lock, outcome = context.request, context.lock.value, "failed" if error else "succeeded"
    record_audit_once(
        context.ports, request.environment, write_id=f"{request.id}/finish", actor=request.requested_by,
        action=f"{request.kind.value}.{outcome}", reason=request.reason, before=shown(lock), after=shown(lock),
    )  # fmt: skip
    if not leave_slot(context, succeeded=not error):
        return context.waiting("the drill slot changed; finishing again", retry_after_s=0.0)
    log(
        f"operation.{outcome}", environment=request.environment, operation_id=request.id, type=request.kind.value,
        detail=str(context.args.get("detail", "")), code=error.get("code"),
    )  # fmt: skip
    _tell_ended(context.ports, request, error)
    end_record(context.ports, request, context.args, lock_moved=False)
    return context.done(outcome)


def end_left_record(ports: Ports, request: OperationRequest, args: Mapping[str, Any], *, lock_moved: bool) -> None:
    """End the record of an operation that has left the lock, as its audit entry says it ended.

    A host that lost its history runs the flow anew, finds that the operation no longer runs, and would call that
    a failure.
    """
    newest = ports.audit.list(request.environment, limit=LOOKED_BACK)
    # The newest, which is the one that came true: one before it was overtaken by a cancellation.
    entry = next((one for one in newest if one.after.get("write_id") in _write_ids(request)), None)
    if entry is not None and entry.action.endswith(".succeeded") and args.get("error"):
        args = {"result": {name: entry.after[name] for name in ("holder", "fencing_token")}}
    if entry is not None and entry.action.endswith(".cancelled"):
        found = ports.operations.read(request.id)
        args = _cancelled(found.value.request if found else request)
    _tell_ended(ports, request, dict(args.get("error") or {}))
    end_record(ports, request, args, lock_moved=lock_moved)


def end_record(ports: Ports, request: OperationRequest, args: Mapping[str, Any], *, lock_moved: bool) -> None:
    """Write how an operation that has left the lock ended; a record that has ended stays as it is."""
    error = dict(args.get("error") or {})
    if error:
        error["lock_moved"] = lock_moved

    def ended(operation: Operation) -> Operation:
        now = ports.clock.now()
        result = {} if error else _result(operation, args, now, target_s=rto_target_s(ports, request.environment))
        return finished(operation, status=_status(error), result=result, error=error, now=now)

    ensure_record(ports, request)
    change_record(ports, request.id, ended)


def _cancelled(request: OperationRequest) -> dict[str, JsonValue]:
    refused = cancelled_by(request)
    return {"error": refused.to_json(), "detail": refused.detail}


def _status(error: Mapping[str, Any]) -> OperationStatus:
    if error.get("code") == RefusalCode.OPERATION_CANCELLED.code:
        return OperationStatus.CANCELLED
    return OperationStatus.FAILED if error else OperationStatus.SUCCEEDED


def _write_ids(request: OperationRequest) -> tuple[str, str]:
    return f"{request.id}/finish", f"{request.id}/finish-cancelled"


def _write_id(request: OperationRequest, error: Mapping[str, Any]) -> str:
    # An id of its own: the entry of an end that a cancellation overtook must not stand for the cancelled end.
    return _write_ids(request)[_status(error) is OperationStatus.CANCELLED]


def _leaves_cluster_on(ports: Ports, request: OperationRequest, error: Mapping[str, Any]) -> bool:
    if _status(error) is OperationStatus.CANCELLED:
        return ensure_record(ports, request).cluster_started_at is not None
    return bool(error) and request.kind is OperationKind.STOP_DR_CLUSTER


def _tell_ended(ports: Ports, request: OperationRequest, error: Mapping[str, Any]) -> None:
    tell(
        ports, request.environment, event_id=f"{request.id}/finish",
        type=EVENTS[_status(error)], subject=request.id,
        data={
            "operation": request.kind.value, "requested_by": request.requested_by, "reason": request.reason,
            **({"code": error.get("code"), "message": error.get("message")} if error else {}),
            **_audit_anchor(ports, request.environment),
        },
    )  # fmt: skip


def _audit_anchor(ports: Ports, environment: str) -> dict[str, JsonValue]:
    """Return the newest audit entry's number and hash: whoever keeps them can tell a chain that was cut or rewritten.

    Missing when Table Storage does not answer: an anchor holds up no operation.
    """
    try:
        newest = ports.audit.last(environment)
    except Unavailable:
        return {}
    return {"audit_anchor": anchor_of(newest).text} if newest else {}


def _result(operation: Operation, args: Mapping[str, Any], now: datetime, *, target_s: float) -> dict[str, JsonValue]:
    request = operation.request
    result: dict[str, JsonValue] = {"message": MESSAGES[request.kind].format(environment=request.environment)}
    result.update(args.get("result") or {})
    if request.kind is OperationKind.FAILOVER and operation.outage_started_at and operation.failed_at:
        recovery = recovery_of(replace(operation, status=OperationStatus.SUCCEEDED, ended_at=now))
        result["recovery_time"] = recovery.to_json(target_s=target_s)
    return result
