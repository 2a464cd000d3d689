"""The environment lock: one record per environment that says who may act, and its legal changes.

Each function returns the record to write; none writes. The write itself is conditional on the version that was
judged (`Versioned.etag`). The lock is never deleted: an environment without an active gateway has a lock whose
holder is nobody, so that its token still rises.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Generic, TypeVar

from shared.domain.faults import InvariantViolation
from shared.domain.fencing import FencingToken
from shared.domain.gateways import ActivationStatus
from shared.domain.modes import MANUAL, Modes
from shared.domain.operations import OperationRequest
from shared.domain.transitions import Event, next_status

T = TypeVar("T")

RESTORED_BY: Final = "restore/"
"""How `granted_by` begins when a person rebuilt the lock after it had lost writes."""


@dataclass(frozen=True, slots=True)
class Versioned(Generic[T]):
    """A stored record with the version (ETag) it was read at."""

    value: T
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedMark:
    """The monitor's finding that a gateway is failed.

    It counts only under `token`: a gateway that was granted a newer token since is not the one that was judged.
    """

    gateway: str
    token: FencingToken
    at: datetime
    last_heartbeat: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentLock:
    """`GatewayEnvironmentLock` of one environment: holder, token, marks, and the running operation."""

    environment: str
    holder: str | None
    token: FencingToken
    granted_by: str  # operation id (or other write id) that minted the token
    acquired_at: datetime
    written_by: str  # id of the newest write: tells a lost acknowledgement from a lost race
    previous_holder: str | None = None
    previous_token: FencingToken | None = None
    failed: tuple[FailedMark, ...] = ()
    operation: OperationRequest | None = None
    last_operation_id: str | None = None
    stop_dr_due_at: datetime | None = None  # when the DR cluster may be stopped again (runbook 2.4)
    forced_at: datetime | None = None  # when a failover was last forced
    modes: Modes = MANUAL

    def mark_of(self, gateway_id: str) -> FailedMark | None:
        """The failed mark that counts for this gateway under the present token, if any."""
        return next((m for m in self.failed if m.gateway == gateway_id and m.token == self.token), None)

    def status_of(self, gateway_id: str) -> ActivationStatus:
        """The gateway's `activation_status`: failed mark under the present token, else holder, else standby."""
        if self.mark_of(gateway_id):
            return ActivationStatus.FAILED
        return ActivationStatus.ACTIVE if self.holder == gateway_id else ActivationStatus.STANDBY

    def was_moved_by(self, request: OperationRequest) -> bool:
        """Whether the present grant is the operation's work, or that of the one it retries: nothing is left to move."""
        return self.granted_by == request.id or self.granted_by == request.retry_of

    @property
    def was_restored(self) -> bool:
        """Whether the present token was minted by a restore: what was granted before it may not be known."""
        return self.granted_by.startswith(RESTORED_BY)

    @property
    def draining(self) -> bool:
        """Whether the holder gets no new claims because a failback is about to move the lock."""
        return self.operation is not None and self.operation.draining


def founded(*, environment: str, holder: str, token: FencingToken, write_id: str, now: datetime) -> EnvironmentLock:
    """Return the first lock of an environment: its primary holds it."""
    return EnvironmentLock(
        environment=environment, holder=holder, token=token, granted_by=write_id, acquired_at=now, written_by=write_id
    )


def with_operation(lock: EnvironmentLock, request: OperationRequest, *, write_id: str) -> EnvironmentLock:
    """Return the lock with `request` as the running operation.

    Raises:
        InvariantViolation: An operation is running.
    """
    if lock.operation is not None:
        raise InvariantViolation(f"operation {lock.operation.id} is running")
    forced_at = request.requested_at if request.forced else lock.forced_at
    return replace(lock, operation=request, forced_at=forced_at, written_by=write_id)


def without_operation(lock: EnvironmentLock, *, write_id: str) -> EnvironmentLock:
    """Return the lock with no operation running."""
    last = lock.operation.id if lock.operation else lock.last_operation_id
    return replace(lock, operation=None, last_operation_id=last, written_by=write_id)


def with_modes(lock: EnvironmentLock, modes: Modes, *, write_id: str) -> EnvironmentLock:
    """Return the lock with other modes; who may act does not change, and so no token is minted."""
    return replace(lock, modes=modes, written_by=write_id)


def answered(lock: EnvironmentLock, request: OperationRequest, *, write_id: str) -> EnvironmentLock:
    """Return the lock with what somebody has answered to its running operation.

    Raises:
        InvariantViolation: Another operation runs, or none.
    """
    if lock.operation is None or lock.operation.id != request.id:
        raise InvariantViolation(f"{request.id} is not the running operation")
    return replace(lock, operation=request, written_by=write_id)


def draining(lock: EnvironmentLock, *, write_id: str) -> EnvironmentLock:
    """Return the lock with its running operation draining the holder; ends with the operation."""
    if lock.operation is None:
        raise InvariantViolation("only a running operation can drain the holder")
    return replace(lock, operation=replace(lock.operation, draining=True), written_by=write_id)


def marked_failed(
    lock: EnvironmentLock, *, now: datetime, last_heartbeat: datetime | None, write_id: str
) -> EnvironmentLock:
    """Return the lock with its holder marked failed under its present token."""
    holder = _holder(lock)
    next_status(lock.status_of(holder), Event.FOUND_SILENT)
    mark = FailedMark(gateway=holder, token=lock.token, at=now, last_heartbeat=last_heartbeat)
    return replace(lock, failed=(*lock.failed, mark), written_by=write_id)


def recovered(lock: EnvironmentLock, *, token: FencingToken, now: datetime, write_id: str) -> EnvironmentLock:
    """Return the lock with its failed holder active again, under a new token."""
    holder = _holder(lock)
    next_status(lock.status_of(holder), Event.RECOVERED)
    return _granted(lock, to=holder, token=token, now=now, write_id=write_id)


def transferred(
    lock: EnvironmentLock, *, to: str, token: FencingToken, now: datetime, operation_id: str, write_id: str
) -> EnvironmentLock:
    """Return the lock given to another gateway under a new token; the old holder keeps a failed mark it has.

    Raises:
        InvariantViolation: `to` holds it already, the token does not rise, or the operation was cancelled.
    """
    if lock.operation is not None and lock.operation.cancellation is not None:
        raise InvariantViolation(f"{lock.operation.id} was cancelled and moves nothing")
    if lock.holder == to:
        raise InvariantViolation(f"{to} holds the lock already")
    if lock.holder is not None:
        next_status(lock.status_of(lock.holder), Event.LOST_LOCK)
    next_status(lock.status_of(to), Event.WON_LOCK)
    moved = _granted(lock, to=to, token=token, now=now, write_id=write_id)
    # Draining was for the old holder; the new one may claim at once.
    operation = replace(lock.operation, draining=False) if lock.operation else None
    return replace(moved, granted_by=operation_id, operation=operation, stop_dr_due_at=None)


def vacated(lock: EnvironmentLock, *, token: FencingToken, now: datetime, write_id: str) -> EnvironmentLock:
    """Return the lock held by nobody, under a new token, so that late work of the old holder dies."""
    next_status(lock.status_of(_holder(lock)), Event.DEACTIVATED)
    return _granted(lock, to=None, token=token, now=now, write_id=write_id)


def restored(
    lock: EnvironmentLock | None,
    *,
    environment: str,
    holder: str | None,
    former_holder: str | None,
    seen: FencingToken,
    token: FencingToken,
    now: datetime,
    write_id: str,
) -> EnvironmentLock:
    """Return the lock rebuilt after it had lost writes: of the stale one stay its operation's id and its modes.

    Marks judged a token that counts no more, the running operation was begun in a past that is gone, and a planned
    stop might hit the cluster that does the work.

    Args:
        lock: What Table Storage has now; None when the lock is missing.
        seen: The highest token that anybody has seen; the new one must exceed it.
        write_id: Begins with RESTORED_BY.

    Raises:
        InvariantViolation: The token does not rise, or the write id does not tell a restore.
    """
    highest = max(seen, lock.token if lock else 0)
    if token <= highest or not write_id.startswith(RESTORED_BY):
        raise InvariantViolation(f"{write_id}: token {token} is not a restored one above {highest}")
    last = (lock.operation.id if lock.operation else lock.last_operation_id) if lock else None
    return EnvironmentLock(
        environment=environment, holder=holder, token=token, granted_by=write_id, acquired_at=now, written_by=write_id,
        previous_holder=former_holder, previous_token=FencingToken(highest), last_operation_id=last,
        modes=lock.modes.after_restore() if lock else MANUAL,
    )  # fmt: skip


def _granted(
    lock: EnvironmentLock, *, to: str | None, token: FencingToken, now: datetime, write_id: str
) -> EnvironmentLock:
    if token <= lock.token:
        raise InvariantViolation(f"token {token} is not above {lock.token}")
    # Marks are bound to the token they judged. Those of gateways that do not get the lock move on with it.
    carried = tuple(
        replace(mark, token=token) for mark in lock.failed if mark.token == lock.token and mark.gateway != to
    )
    return replace(
        lock, holder=to, token=token, granted_by=write_id, acquired_at=now, written_by=write_id,
        previous_holder=lock.holder, previous_token=lock.token, failed=carried,
    )  # fmt: skip


def _holder(lock: EnvironmentLock) -> str:
    if lock.holder is None:
        raise InvariantViolation("nobody holds the lock")
    return lock.holder
