"""What people may answer to a running operation, over the lock that names it, and if not, why not.

Decision table of `decide_cancel` (first match wins):

    the operation left the lock, cancelled      -> repeated
    it left the lock after it had moved it      -> refused, PastPointOfNoReturn
    it left the lock otherwise                  -> refused, OperationEnded
    it stops the DR cluster                     -> refused, PastPointOfNoReturn (ADR 0010: Azure calls nothing back)
    it has moved the lock                       -> refused, PastPointOfNoReturn
    it is cancelled already                     -> repeated
    otherwise                                   -> the lock to write

Nothing here writes. The write is conditional on the version of the lock that was judged, so that of a cancellation and
a move exactly one happens (ADR 0023).
"""

from dataclasses import dataclass, replace

from shared.domain.locks import EnvironmentLock, answered
from shared.domain.operations import Answer, Operation, OperationKind, OperationStatus
from shared.domain.refusals import JsonValue, RefusalCode, Refused


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


def _is_ending_cancelled(operation: Operation) -> bool:
    """Whether a cancelled operation has left the lock and its record is about to say so."""
    return not operation.is_over and operation.request.cancellation is not None


def _why_over(operation: Operation) -> RefusalCode:
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
