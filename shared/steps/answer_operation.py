"""What people answer to a running operation: each answer is one conditional write of the lock that names it."""

from dataclasses import dataclass
from typing import Final

from shared.domain.answers import Repeated, decide_cancel
from shared.domain.events import EventType
from shared.domain.faults import LockStoreUnavailable, UnknownOperation
from shared.domain.locks import EnvironmentLock
from shared.domain.operations import Answer, Operation, OperationRequest
from shared.domain.refusals import RefusalCode, Refused
from shared.ports import Ports
from shared.steps.admin_calls import find_operation
from shared.steps.audit_trail import record_audit_once, shown
from shared.steps.operation_record import copy_request
from shared.steps.timeline import tell
from shared.steps.write_lock import replace_lock
from shared.telemetry import log

TRIES: Final = 10


@dataclass(frozen=True, slots=True)
class Answered:
    """The operation as its record shows it; `repeated` when the same had been answered before."""

    operation: Operation
    repeated: bool = False


def cancel_operation(ports: Ports, operation_id: str, *, actor: str, reason: str) -> Answered | Refused:
    """Cancel an operation before its point of no return; its flow ends it at the next step.

    Once this has returned, the operation moves nothing: a move that is on its way is conditional on a version of the
    lock that is no more.

    Raises:
        UnknownOperation: No such operation.
        Unavailable: A store did not answer; the operation may have been cancelled, and cancelling again is safe.
    """
    answer = Answer(by=actor, at=ports.clock.now(), reason=reason)
    for _ in range(TRIES):
        environment = known_operation(ports, operation_id).request.environment
        lock = ports.locks.read(environment)
        operation = known_operation(ports, operation_id)  # after the lock: one that has just left it shows how it ended
        write_id = f"{operation_id}/cancel/{ports.ids.unique()}"
        decision = decide_cancel(lock.value if lock else None, operation, answer, write_id=write_id)
        if isinstance(decision, Refused):
            return decision
        if isinstance(decision, Repeated) or lock is None:
            return Answered(operation, repeated=True)
        if replace_lock(ports, decision, etag=lock.etag) is not None:
            note_cancellation(ports, decision)
            return Answered(known_operation(ports, operation_id))
    raise LockStoreUnavailable("the environment lock kept changing")


def note_cancellation(ports: Ports, lock: EnvironmentLock) -> None:
    """Record, audit and tell that the lock's operation was cancelled.

    Repeated by the operation's last step, in case the host that wrote the cancellation died before it could.
    """
    running = lock.operation
    assert running is not None
    assert running.cancellation is not None
    copy_request(ports, running)
    record_audit_once(
        ports, running.environment, write_id=f"{running.id}/cancel", actor=running.cancellation.by,
        action=f"{running.kind.value}.cancel_requested", reason=running.cancellation.reason, before=shown(lock),
        after=shown(lock),
    )  # fmt: skip
    tell(
        ports, running.environment, event_id=f"{running.id}/cancel", type=EventType.OPERATION_CANCEL_REQUESTED,
        subject=running.id,
        data={
            "operation": running.kind.value, "cancelled_by": running.cancellation.by,
            "reason": running.cancellation.reason,
        },
    )  # fmt: skip
    log(
        "operation.cancel_requested", environment=running.environment, operation_id=running.id,
        type=running.kind.value, cancelled_by=running.cancellation.by,
    )  # fmt: skip


def cancelled_by(request: OperationRequest) -> Refused:
    """Return what a cancelled operation ends with: who cancelled it and why, as far as the request knows."""
    answer = request.cancellation
    detail = f"cancelled by {answer.by}: {answer.reason}" if answer else "cancelled"
    return Refused(code=RefusalCode.OPERATION_CANCELLED, detail=detail)


def known_operation(ports: Ports, operation_id: str) -> Operation:
    """Return the operation; one that is registered but not yet recorded is recorded first. Raises UnknownOperation."""
    operation = find_operation(ports, operation_id)
    if operation is None:
        raise UnknownOperation(f"Operation {operation_id} does not exist")
    return operation
