"""Retries a failed operation: a new one of the same kind, decided anew, that finds done what is done."""

from collections.abc import Callable
from dataclasses import replace

from shared.domain.answers import decide_retry
from shared.domain.failover import AlreadyDone, Joined
from shared.domain.operations import Answer, Operation, OperationRequest, Skip, Step
from shared.domain.refusals import Refused
from shared.ports import Ports
from shared.steps.answer_operation import known_operation
from shared.steps.begin_operation import Begun, Replayed, begin_requested, new_request


def retry_operation(
    ports: Ports,
    operation_id: str,
    *,
    actor: str,
    requester_id: str,
    reason: str,
    skips: tuple[Step, ...] = (),
    keyed: Callable[[OperationRequest], OperationRequest] = lambda request: request,
) -> Begun | Replayed | AlreadyDone | Joined | Refused:
    """Begin a new operation that takes up the failed one's work (ADR 0024).

    If the failed one had moved the lock, and nothing has moved it since, the new one moves nothing and only looks;
    otherwise everything is decided anew. It is never forced, and needs an approval of its own where one is needed.

    Args:
        skips: Steps after the move to leave out.
        keyed: Puts onto the new request what came with the call: the idempotency key, the trace.

    Raises:
        UnknownOperation: No such operation.
        IdempotencyKeyReused, Unavailable: As `begin_requested`.
    """
    failed = known_operation(ports, operation_id)
    if refusal := decide_retry(failed, skips):
        return refusal
    answer = Answer(by=actor, at=ports.clock.now(), reason=reason)
    request = new_request(
        ports, failed.request.environment, failed.request.kind, requested_by=actor, requester_id=requester_id,
        reason=reason,
    )  # fmt: skip
    leave_out = tuple(Skip(step=step, answer=answer) for step in skips)
    return begin_requested(ports, keyed(replace(request, retry_of=_mover(ports, failed), skips=leave_out)))


def _mover(ports: Ports, failed: Operation) -> str:
    """Return the operation whose work is taken up: the one that moved the lock, in a row of retries."""
    lock = ports.locks.read(failed.request.environment)
    if lock is not None and lock.value.was_moved_by(failed.request):
        return lock.value.granted_by
    return failed.request.id
