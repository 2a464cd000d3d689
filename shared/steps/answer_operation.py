"""What people answer to a running operation: each answer is one conditional write of the lock that names it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from shared.domain.answers import SKIPPABLE, Repeated, decide_approval, decide_cancel, decide_skip, skip_of
from shared.domain.events import EventType
from shared.domain.faults import LockStoreUnavailable, UnknownOperation
from shared.domain.locks import EnvironmentLock
from shared.domain.operations import Answer, Operation, OperationRequest, Step, begin
from shared.domain.refusals import JsonValue, RefusalCode, Refused
from shared.ports import Ports
from shared.steps.audit_trail import record_audit_once, shown
from shared.steps.operation_record import copy_request
from shared.steps.timeline import tell
from shared.steps.write_lock import replace_lock
from shared.telemetry import log

TRIES: Final = 10
Decided = EnvironmentLock | Repeated | Refused


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

    def decide(lock: EnvironmentLock | None, operation: Operation, write_id: str) -> Decided:
        return decide_cancel(lock, operation, answer, write_id=write_id)

    return _answer(ports, operation_id, "cancel", decide, note_cancellation)


def approve_operation(
    ports: Ports, operation_id: str, *, actor: str, object_id: str, reason: str
) -> Answered | Refused:
    """Approve an operation that waits for a second administrator.

    Args:
        object_id: Identity of who approves; it must not be that of who asked.

    Raises:
        UnknownOperation: No such operation.
        Unavailable: A store did not answer; the operation may have been approved, and its record will tell.
    """
    answer = Answer(by=actor, at=ports.clock.now(), reason=reason)

    def decide(lock: EnvironmentLock | None, operation: Operation, write_id: str) -> Decided:
        return decide_approval(
            lock, operation, answer, approver_id=object_id, policy=ports.policy, write_id=write_id
        )  # fmt: skip

    return _answer(ports, operation_id, "approve", decide, note_approval)


def skip_step(ports: Ports, operation_id: str, step: Step, *, actor: str, reason: str) -> Answered | Refused:
    """Leave out a step of the running operation that only looks or plans, after the lock has moved.

    Raises as `cancel_operation` does.
    """
    answer = Answer(by=actor, at=ports.clock.now(), reason=reason)

    def decide(lock: EnvironmentLock | None, operation: Operation, write_id: str) -> Decided:
        return decide_skip(lock, operation, step, answer, write_id=write_id)

    return _answer(ports, operation_id, "skip", decide, lambda ports, lock: note_skip(ports, lock, step))


def _answer(
    ports: Ports,
    operation_id: str,
    word: str,
    decide: Callable[[EnvironmentLock | None, Operation, str], Decided],
    note: Callable[[Ports, EnvironmentLock], None],
) -> Answered | Refused:
    for _ in range(TRIES):
        environment = known_operation(ports, operation_id).request.environment
        lock = ports.locks.read(environment)
        operation = known_operation(ports, operation_id)  # after the lock: one that has just left it shows how it ended
        write_id = f"{operation_id}/{word}/{ports.ids.unique()}"
        decision = decide(lock.value if lock else None, operation, write_id)
        if isinstance(decision, Refused):
            return decision
        if isinstance(decision, Repeated) or lock is None:
            return Answered(operation, repeated=True)
        if replace_lock(ports, decision, etag=lock.etag) is not None:
            note(ports, decision)
            return Answered(known_operation(ports, operation_id))
    raise LockStoreUnavailable("the environment lock kept changing")


def note_cancellation(ports: Ports, lock: EnvironmentLock) -> None:
    """Record, audit and tell that the lock's operation was cancelled.

    Repeated by the operation's last step, in case the host that wrote the cancellation died before it could.
    """
    running = lock.operation
    assert running is not None
    assert running.cancellation is not None
    _note(ports, lock, running, running.cancellation, "cancel_requested", EventType.OPERATION_CANCEL_REQUESTED)


def note_approval(ports: Ports, lock: EnvironmentLock) -> None:
    """Record, audit and tell that the lock's operation was approved; repeated by the step that waited for it."""
    running = lock.operation
    assert running is not None
    assert running.approval is not None
    _note(ports, lock, running, running.approval, "approved", EventType.OPERATION_APPROVED)


def note_skip(ports: Ports, lock: EnvironmentLock, step: Step) -> None:
    """Record, audit and tell that a step of the lock's operation is left out; repeated by the step itself."""
    running = lock.operation
    assert running is not None
    answer = skip_of(running, step)
    assert answer is not None
    _note(
        ports, lock, running, answer, "step_skipped", EventType.STEP_SKIPPED,
        {"step": step.id, "unknown": SKIPPABLE[step]},
    )  # fmt: skip


def _note(
    ports: Ports,
    lock: EnvironmentLock,
    running: OperationRequest,
    answer: Answer,
    word: str,
    event: EventType,
    more: Mapping[str, JsonValue] | None = None,
) -> None:
    said, after = dict(more or {}), shown(lock)
    fact = f"{running.id}/{word}" + (f"/{said['step']}" if "step" in said else "")
    copy_request(ports, running)
    record_audit_once(
        ports, running.environment, write_id=fact, actor=answer.by, action=f"{running.kind.value}.{word}",
        reason=answer.reason, before=after, after={**after, **said},
    )  # fmt: skip
    tell(
        ports, running.environment, event_id=fact, type=event, subject=running.id,
        data={
            "operation": running.kind.value, "requested_by": running.requested_by, "by": answer.by,
            "reason": answer.reason, **said,
        },
    )  # fmt: skip
    log(event.value, environment=running.environment, operation_id=running.id, type=running.kind.value, by=answer.by)


def cancelled_by(request: OperationRequest) -> Refused:
    """Return what a cancelled operation ends with: who cancelled it and why, as far as the request knows."""
    answer = request.cancellation
    detail = f"cancelled by {answer.by}: {answer.reason}" if answer else "cancelled"
    return Refused(code=RefusalCode.OPERATION_CANCELLED, detail=detail)


def known_operation(ports: Ports, operation_id: str) -> Operation:
    """Return the operation, also one that is registered but not yet recorded. Writes nothing, unlike `find_operation`.

    Raises:
        UnknownOperation: No such operation.
    """
    found = ports.operations.read(operation_id)
    if found:
        return found.value
    for name in sorted(ports.environments):
        lock = ports.locks.read(name)
        running = lock.value.operation if lock else None
        if running is not None and running.id == operation_id:
            return begin(running)
    raise UnknownOperation(f"Operation {operation_id} does not exist")
