"""What people may answer to a running operation, over the lock that names it, and if not, why not.

Decision table of `decide_cancel` (first match wins):

    it is a drill that runs                     -> refused, AbortInstead
    the operation left the lock, cancelled      -> repeated
    it left the lock after it had moved it      -> refused, PastPointOfNoReturn
    it left the lock otherwise                  -> refused, OperationEnded
    it stops the DR cluster                     -> refused, PastPointOfNoReturn (ADR 0010: Azure calls nothing back)
    it has moved the lock                       -> refused, PastPointOfNoReturn
    it is cancelled already                     -> repeated
    otherwise                                   -> the lock to write

Decision table of `decide_approval`:

    it is a drill that runs                     -> refused, AbortInstead
    the operation does not run                  -> refused, OperationEnded
    it is cancelled                             -> refused, OperationCancelled
    it needs no approval                        -> refused, ApprovalNotNeeded
    it is approved already                      -> refused, AlreadyApproved
    who approves is who asked for it            -> refused, SelfApproval
    it was asked for `approval_timeout_s` ago   -> refused, ApprovalExpired
    otherwise                                   -> the lock to write

Decision table of `decide_skip`:

    it is a drill that runs                     -> refused, AbortInstead
    the operation does not run                  -> refused, OperationEnded
    the step is not in SKIPPABLE, or not its own -> refused, StepNotSkippable
    the lock has not been moved yet             -> refused, StepNotSkippable
    the step has ended                          -> refused, StepNotSkippable
    the step is to be skipped already           -> repeated
    otherwise                                   -> the lock to write

Decision table of `decide_retry`; what it allows is decided anew like any other request:

    it did not end as failed                    -> refused, OperationNotFailed
    it is neither failover nor failback         -> refused, OperationNotFailed
    a step to skip is not in SKIPPABLE          -> refused, StepNotSkippable

Nothing here writes. The write is conditional on the version of the lock that was judged, so that of a cancellation and
a move exactly one happens (ADR 0023).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shared.domain.locks import EnvironmentLock, answered
from shared.domain.operations import (
    STEPS_OF,
    Answer,
    Operation,
    OperationKind,
    OperationRequest,
    OperationStatus,
    Skip,
    Step,
)
from shared.domain.policy import Policy
from shared.domain.refusals import JsonValue, RefusalCode, Refused

SKIPPABLE: Final[Mapping[Step, str]] = {
    Step.VERIFY_DR_ACTIVE: "nobody has seen the DR gateway beat under its token",
    Step.VERIFY_OPERATIONS: "nobody has seen a task being claimed",
    Step.VERIFY_PRIMARY_ACTIVE: "nobody has seen the primary beat under its token",
    Step.SCHEDULE_DR_STOP: "the DR cluster runs on until somebody stops it",
}
"""What may be left out, all of it after the move, and what is not known or done then. No other step, ever: those before
decide, start what the next one needs, or fence; draining ends by itself after `drain_timeout_s`."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """The answer has been given before; nothing has to change."""


def decide_cancel(
    lock: EnvironmentLock | None, operation: Operation, answer: Answer, *, write_id: str
) -> EnvironmentLock | Repeated | Refused:
    """Return the lock in which the operation is cancelled."""
    running = lock.operation if lock else None
    if lock is None or running is None or running.id != operation.request.id:
        if operation.status is OperationStatus.CANCELLED or _is_ending_cancelled(operation):
            return Repeated()
        return _refused(_why_over(operation), "it no longer runs", operation)
    if running.kind is OperationKind.STOP_DR_CLUSTER:
        return _refused(RefusalCode.PAST_POINT_OF_NO_RETURN, "Azure may have the stop already", operation)
    if lock.was_moved_by(running):
        return _refused(RefusalCode.PAST_POINT_OF_NO_RETURN, f"{lock.holder} holds the lock", operation)
    if running.cancellation is not None:
        return Repeated()
    return answered(lock, replace(running, cancellation=answer), write_id=write_id)


def decide_approval(
    lock: EnvironmentLock | None,
    operation: Operation,
    answer: Answer,
    *,
    approver_id: str,
    policy: Policy,
    write_id: str,
) -> EnvironmentLock | Refused:
    """Return the lock in which the operation is approved.

    Args:
        approver_id: Object id of who approves.
    """
    running = lock.operation if lock else None
    if lock is None or running is None or running.id != operation.request.id:
        return _not_running(operation)
    if running.cancellation is not None:
        return _refused(RefusalCode.OPERATION_CANCELLED, f"cancelled by {running.cancellation.by}", operation)
    if not running.needs_approval:
        return _refused(RefusalCode.APPROVAL_NOT_NEEDED, "it runs", operation)
    if running.approval is not None:
        return _refused(RefusalCode.ALREADY_APPROVED, f"approved by {running.approval.by}", operation)
    if approver_id == running.requester_id or answer.by == running.requested_by:
        return _refused(RefusalCode.SELF_APPROVAL, f"requested by {running.requested_by}", operation)
    ends_at = approval_ends_at(running, policy)
    if answer.at >= ends_at:
        return _refused(RefusalCode.APPROVAL_EXPIRED, f"it could be approved until {ends_at.isoformat()}", operation)
    return answered(lock, replace(running, approval=answer), write_id=write_id)


def decide_skip(
    lock: EnvironmentLock | None, operation: Operation, step: Step, answer: Answer, *, write_id: str
) -> EnvironmentLock | Repeated | Refused:
    """Return the lock in which a step of the running operation is to be left out."""
    running = lock.operation if lock else None
    if lock is None or running is None or running.id != operation.request.id:
        return _not_running(operation)
    if refusal := _unless_skippable(operation, step):
        return refusal
    if not lock.was_moved_by(running):
        return _refused(RefusalCode.STEP_NOT_SKIPPABLE, f"{step.id}: the lock has not been moved yet", operation)
    record = next((one for one in operation.steps if one.step is step), None)
    if record is not None and record.ended_at is not None:
        return _refused(RefusalCode.STEP_NOT_SKIPPABLE, f"{step.id} has ended: {record.status.value}", operation)
    if skip_of(running, step) is not None:
        return Repeated()
    skipping = replace(running, skips=(*running.skips, Skip(step=step, answer=answer)))
    return answered(lock, skipping, write_id=write_id)


def decide_retry(operation: Operation, skips: tuple[Step, ...]) -> Refused | None:
    """Return why the operation cannot be retried, or None."""
    moves = operation.request.kind in (OperationKind.FAILOVER, OperationKind.FAILBACK)
    if operation.status is not OperationStatus.FAILED or not moves:
        return _refused(RefusalCode.OPERATION_NOT_FAILED, f"it is {operation.status.value}", operation)
    return next((refusal for step in skips if (refusal := _unless_skippable(operation, step))), None)


def skip_of(running: OperationRequest, step: Step) -> Answer | None:
    """Return what was said when this step was to be left out; None when it is to run."""
    if step not in SKIPPABLE:
        return None
    return next((skip.answer for skip in running.skips if skip.step is step), None)


def _unless_skippable(operation: Operation, step: Step) -> Refused | None:
    if step in SKIPPABLE and step in STEPS_OF[operation.request.kind]:
        return None
    return _refused(RefusalCode.STEP_NOT_SKIPPABLE, step.id, operation)


def approval_ends_at(request: OperationRequest, policy: Policy) -> datetime:
    """Return until when the operation may be approved."""
    return request.requested_at + timedelta(seconds=policy.approval_timeout_s)


def is_unapproved(running: OperationRequest) -> bool:
    """Whether the operation still needs a second administrator: nothing of it may be carried out."""
    return running.needs_approval and running.approval is None


def _not_running(operation: Operation) -> Refused:
    code = _why_over(operation)
    ended = RefusalCode.OPERATION_ENDED if code is RefusalCode.PAST_POINT_OF_NO_RETURN else code
    return _refused(ended, "it no longer runs", operation)


def _is_ending_cancelled(operation: Operation) -> bool:
    """Whether a cancelled operation has left the lock and its record is about to say so."""
    return not operation.is_over and operation.request.cancellation is not None


def _why_over(operation: Operation) -> RefusalCode:
    if operation.request.kind is OperationKind.DRILL and not operation.is_over:
        return RefusalCode.ABORT_INSTEAD
    moved = operation.status is OperationStatus.SUCCEEDED or operation.error.get("lock_moved") is True
    if moved and operation.request.kind is not OperationKind.STOP_DR_CLUSTER:
        return RefusalCode.PAST_POINT_OF_NO_RETURN
    return RefusalCode.OPERATION_ENDED


def _refused(code: RefusalCode, detail: str, operation: Operation) -> Refused:
    request = operation.request
    evidence: dict[str, JsonValue] = {
        "operation_id": request.id,
        "type": request.kind.value,
        "status": operation.status.value,
    }
    return Refused(code=code, detail=f"{request.kind.value} {request.id}: {detail}", evidence=evidence)
