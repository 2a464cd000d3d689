"""Ends an operation: first its record, then its entry in the lock, so that a lost step can be repeated."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from shared.domain.faults import Conflict
from shared.domain.locks import without_operation
from shared.domain.operations import Operation, OperationKind, OperationStatus, finished
from shared.domain.refusals import JsonValue
from shared.flows.commands import StepResult
from shared.steps.audit_trail import record_audit_once, shown
from shared.steps.begin_operation import ensure_record
from shared.steps.context import StepContext
from shared.steps.write_lock import replace_lock
from shared.telemetry import log

MESSAGES: Final = {
    # The first two are the runbook's (1.4, 2.2), word for word.
    OperationKind.FAILOVER: "DR gateway activated for environment {environment}",
    OperationKind.FAILBACK: "Failback completed, primary reactivated for environment {environment}",
    OperationKind.STOP_DR_CLUSTER: "DR cluster stopped for environment {environment}",
}


def finish_operation(context: StepContext) -> StepResult:
    """Write how the operation ended, then take it out of the lock; draining ends with it."""
    request, error = context.request, context.args.get("error") or {}
    ensure_record(context.ports, request)
    _end_record(context, error)
    lock = context.lock.value
    ended = without_operation(lock, write_id=f"{request.id}/finish")
    if error and request.kind is OperationKind.STOP_DR_CLUSTER:
        # A cluster left running costs money: try again after another hold time.
        ended = replace(ended, stop_dr_due_at=context.now + timedelta(seconds=context.ports.policy.hold_s))
    outcome = "failed" if error else "succeeded"
    # Before the operation leaves the lock: afterwards no repetition gets this far.
    record_audit_once(
        context.ports, request.environment, write_id=f"{request.id}/finish", actor=request.requested_by,
        action=f"{request.kind.value}.{outcome}", reason=request.reason, before=shown(lock), after=shown(ended),
    )  # fmt: skip
    if replace_lock(context.ports, ended, etag=context.lock.etag) is None:
        return context.waiting("the lock changed; finishing again", retry_after_s=0.0)
    log(
        f"operation.{outcome}", environment=request.environment, operation_id=request.id, type=request.kind.value,
        detail=str(context.args.get("detail", "")), code=error.get("code"),
    )  # fmt: skip
    return context.done(outcome)


def _end_record(context: StepContext, error: Mapping[str, Any]) -> None:
    for _ in range(10):
        found = context.ports.operations.read(context.request.id)
        if found is None or found.value.status is not OperationStatus.RUNNING:
            return
        status = OperationStatus.FAILED if error else OperationStatus.SUCCEEDED
        result = {} if error else _result(context, found.value)
        ended = finished(found.value, status=status, result=result, error=error, now=context.now)
        try:
            context.ports.operations.replace(ended, etag=found.etag)
        except Conflict:
            continue
        return


def _result(context: StepContext, operation: Operation) -> dict[str, JsonValue]:
    request = operation.request
    result: dict[str, JsonValue] = {"message": MESSAGES[request.kind].format(environment=request.environment)}
    result.update(context.args.get("result") or {})
    if request.kind is OperationKind.FAILOVER and operation.outage_started_at and operation.failed_at:
        detect_s = (operation.failed_at - operation.outage_started_at).total_seconds()
        decide_s = (request.requested_at - operation.failed_at).total_seconds()
        execute_s = (context.now - request.requested_at).total_seconds()
        result["recovery_time"] = {
            "total_seconds": round(detect_s + decide_s + execute_s, 3),
            "detect_seconds": round(detect_s, 3),
            "decide_seconds": round(decide_s, 3),
            "execute_seconds": round(execute_s, 3),
        }
    return result
